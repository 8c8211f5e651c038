import { expect, test } from "vitest";
import type { CellView } from "../../protocol";
import { isOutdated, shapeOf, wordsOf } from "./cell-state";

const cell = (rest: Partial<CellView>): CellView => ({
  kind: "code",
  section: "s",
  status: "ready",
  validity: "evaluated",
  errored: false,
  changed: false,
  evaluations: 1,
  reevaluateAutomatically: false,
  continueOnError: false,
  outputSize: "default",
  outputOrder: [],
  outputs: {},
  diagnostics: [],
  diagnosticsRevision: 0,
  ...rest,
});
const words = (view: CellView) => {
  const { word, rest } = wordsOf(view, () => Date.parse("2026-01-01T00:00:12.400Z"));
  return word + rest;
};

test("what runs or waits comes before what was", () => {
  expect(shapeOf(cell({ status: "evaluating", validity: "stale" }))).toBe("running");
  expect(shapeOf(cell({ status: "queued", errored: true }))).toBe("queued");
  expect(shapeOf(cell({ validity: "stale", errored: true }))).toBe("stale");
  expect(shapeOf(cell({ errored: true, changed: true }))).toBe("failed");
  expect(shapeOf(cell({ changed: true }))).toBe("changed");
});

test("an edited cell is outdated, a text cell never", () => {
  expect(isOutdated(cell({ changed: true }))).toBe(true);
  expect(isOutdated(cell({}))).toBe(false);
  expect(isOutdated(cell({ kind: "markdown", validity: "fresh" }))).toBe(false);
});

test("states are said in words, with their time", () => {
  expect(words(cell({ durationMs: 832 }))).toBe("Evaluated in 832 ms");
  expect(words(cell({ durationMs: 8, errored: true }))).toBe("Failed after 8 ms");
  expect(words(cell({ status: "evaluating", startedAt: "2026-01-01T00:00:00Z", progress: "Restoring packages" }))).toBe("Running 12.4 s · Restoring packages");
  expect(words(cell({ validity: "fresh" }))).toBe("Not run yet");
});
