import { expect, test } from "vitest";
import { isOlder, summary } from "./cluster-words";
import type { ClusterReport } from "./cluster-http";

const node = (name: string, status = "up") => ({ name, status }) as ClusterReport["nodes"][number];
const report = (part: Partial<ClusterReport>): ClusterReport =>
  ({ self: "a", status: "member", nodes: [], sessions: [], strangers: [], discovery: { query: "livebook.internal" }, ...part }) as ClusterReport;

test("a whole cluster is said in one sentence", () => {
  const sessions = [{ standby: "b" }] as unknown as ClusterReport["sessions"];
  expect(summary(report({ nodes: [node("a"), node("b")], sessions }))).toBe("2 members, all answer. Every session has a standby.");
});

test("what is wrong is said first", () => {
  const strangers = [{ address: "10.0.0.9", reason: "other cookie", since: "" }];
  expect(summary(report({ nodes: [node("a"), node("b", "unreachable")], strangers }))).toBe("2 members, 1 not answering. 1 address not a member.");
  expect(summary(report({ status: "minority" }))).toBe("Cut off from the majority, read only.");
});

test("versions are compared number by number", () => {
  expect(isOlder("1.0.9", "1.0.10")).toBe(true);
  expect(isOlder("1.0.10", "1.0.9")).toBe(false);
  expect(isOlder("1.0", "1.0.0")).toBe(false);
});
