import { plural } from "../../components/format";
import type { ClusterReport } from "./cluster-http";

/** One sentence on how the cluster is. */
export function summary(report: ClusterReport): string {
  const words: string[] = [];
  const away = report.nodes.filter((node) => node.status === "unreachable").length;
  switch (report.status) {
    case "alone":
      words.push(report.discovery.query === null ? "One server, no cluster." : "The only member.");
      break;
    case "joining":
      words.push("Not a member yet.");
      break;
    case "minority":
      words.push("Cut off from the majority, read only.");
      break;
    default:
      words.push(`${plural(report.nodes.length, "member")}, ${away === 0 ? "all answer" : `${away} not answering`}.`);
  }
  const draining = report.nodes.filter((node) => node.status === "draining").length;
  if (draining > 0) words.push(`${plural(draining, "node")} draining.`);
  if (report.strangers.length > 0) words.push(`${plural(report.strangers.length, "address", "addresses")} not a member.`);
  if (report.nodes.length > 1 && report.sessions.length > 0) {
    const single = report.sessions.filter((session) => session.standby === null).length;
    words.push(single === 0 ? "Every session has a standby." : `${plural(single, "session")} without a standby.`);
  }
  return words.join(" ");
}

export function shapeOf(status: string): "good" | "running" | "failed" | "warn" {
  if (status === "up") return "good";
  if (status === "draining" || status === "joining") return "running";
  return status === "unreachable" ? "failed" : "warn";
}

/** Compares versions such as 1.0.10 and 1.0.9 number by number. */
export function isOlder(version: string, newest: string): boolean {
  const parts = (text: string) => text.split(/[.+-]/).map((part) => Number.parseInt(part, 10) || 0);
  const [a, b] = [parts(version), parts(newest)];
  const at = Array.from({ length: Math.max(a.length, b.length) }, (_, index) => index).find((index) => (a[index] ?? 0) !== (b[index] ?? 0));
  return at !== undefined && (a[at] ?? 0) < (b[at] ?? 0);
}
