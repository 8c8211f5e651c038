import { request } from "../http";

export interface ClusterNode {
  readonly name: string;
  readonly address: string;
  readonly version: string;
  /** `up`, `joining`, `draining` or `unreachable`. */
  readonly status: string;
  readonly sessions: number;
  readonly standbySessions: number;
  readonly startedAt: string;
  /** Null when the node did not answer in time. */
  readonly memoryBytes: number | null;
  readonly memoryLimitBytes: number | null;
  readonly pages: number | null;
  readonly passingStorage: string | null;
}

export interface ClusterSession {
  readonly id: string;
  readonly name: string;
  readonly node: string;
  readonly standby: string | null;
  readonly epoch: number;
  readonly behind: number | null;
  readonly clients: number;
  readonly memoryBytes: number;
}

export interface FoundAddress {
  readonly address: string;
  readonly result: "self" | "member" | "stranger" | "unknown";
  readonly node: string | null;
  readonly reason: string | null;
}

export interface ClusterReport {
  readonly self: string;
  readonly status: "alone" | "joining" | "member" | "minority";
  readonly nodes: readonly ClusterNode[];
  readonly sessions: readonly ClusterSession[];
  readonly discovery: {
    readonly mode: string;
    readonly query: string | null;
    readonly lastAnswer: readonly string[];
    readonly lastAt: string | null;
    readonly error: string | null;
    readonly addresses: readonly FoundAddress[];
  };
  readonly strangers: readonly { readonly address: string; readonly reason: string; readonly since: string }[];
  readonly warnings: readonly string[];
  readonly events: readonly { readonly at: string; readonly node: string; readonly kind: string; readonly subject: string; readonly text: string }[];
}

export const fetchCluster = (): Promise<ClusterReport> => request("GET", "ui/cluster");

/** Ends read-only by an operator's word. */
export const promote = (): Promise<ClusterReport> => request("POST", "ui/cluster/promote");

/** "livebook@10.0.4.11" is "10.0.4.11" where every node has the same base name. */
export function shortNames(report: ClusterReport): (name: string) => string {
  const bases = new Set(report.nodes.map((node) => node.name.split("@")[0]));
  return bases.size > 1 ? (name) => name : (name) => name.slice(name.indexOf("@") + 1);
}
