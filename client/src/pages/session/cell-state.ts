import { duration } from "../../components/format";
import type { CellView } from "../../protocol";

/** Shape of a cell's node; also the order in which states need a look. */
export type Shape = "running" | "queued" | "failed" | "stale" | "aborted" | "changed" | "done" | "fresh";

export const needsALook: readonly Shape[] = ["failed", "stale", "aborted"];

export function shapeOf(cell: CellView): Shape {
  if (cell.status === "evaluating") return "running";
  if (cell.status === "queued") return "queued";
  if (cell.validity === "aborted") return "aborted";
  if (cell.validity === "stale") return "stale";
  if (cell.validity !== "evaluated") return "fresh";
  if (cell.errored) return "failed";
  return cell.changed ? "changed" : "done";
}

/** E3: not evaluated, or the text differs from what was. */
export function isOutdated(cell: CellView): boolean {
  return isCode(cell) && (cell.validity !== "evaluated" || cell.changed);
}

export function isCode(cell: CellView): boolean {
  return cell.kind !== "markdown";
}

/** The state in words, e.g. "Evaluated in 832 ms". `now` in milliseconds since 1970; only read while the cell runs. */
export function wordsOf(cell: CellView, now: () => number): { word: string; rest: string } {
  const took = cell.durationMs == null ? "" : ` in ${duration(cell.durationMs)}`;
  const edited = cell.changed ? ", edited since" : "";
  switch (shapeOf(cell)) {
    case "running": {
      const elapsed = cell.startedAt ? ` ${duration(Math.max(1, now() - Date.parse(cell.startedAt)))}` : "";
      return { word: "Running", rest: elapsed + (cell.progress ? ` · ${cell.progress}` : "") };
    }
    case "queued":
      return { word: "Queued", rest: cell.progress ? ` · ${cell.progress}` : "" };
    case "failed":
      return { word: "Failed", rest: (cell.durationMs == null ? "" : ` after ${duration(cell.durationMs)}`) + edited };
    case "stale":
      return { word: "Stale", rest: took ? ` · ran${took}` : "" };
    case "aborted":
      return { word: "Aborted", rest: edited };
    case "fresh":
      return { word: "Not run yet", rest: "" };
    default:
      return { word: "", rest: `Evaluated${took}${edited}` };
  }
}
