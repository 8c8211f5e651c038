import { plural } from "../../components/format";
import type { SessionSummary } from "../../protocol";

export interface SummaryState {
  /** Shape of the state dot. */
  readonly shape: string;
  readonly words: string;
  /** Class that colours the words; normal is quiet. */
  readonly tone: "live" | "bad" | "warn" | "dim";
}

/** The one thing worth saying about a session: what needs a look comes first. */
export function summaryState(session: SessionSummary): SummaryState {
  if (session.evaluating > 0) return { shape: "running", words: `Running ${plural(session.evaluating, "cell")}`, tone: "live" };
  if (session.queued > 0) return { shape: "queued", words: `${session.queued} queued`, tone: "live" };
  if (session.failed > 0) return { shape: "failed", words: `${session.failed} failed`, tone: "bad" };
  if (session.runtime === "down") return { shape: "aborted", words: "Runtime stopped", tone: "warn" };
  if (session.stale > 0) return { shape: "stale", words: `${session.stale} stale`, tone: "warn" };
  return session.evaluated > 0
    ? { shape: "done", words: "Evaluated", tone: "dim" }
    : { shape: "fresh", words: "Not run yet", tone: "dim" };
}
