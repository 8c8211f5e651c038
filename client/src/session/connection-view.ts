import type { Condition } from "../protocol";

/** What the page says about its connection. */
export interface ConnectionView {
  state: "connecting" | "live" | "reconnecting" | "gone";
  /** When `state` began, in milliseconds since 1970. */
  since: number;
  roundTripMs: number | null;
  /** Operations and text edits that are not acknowledged. */
  waiting: number;
  oldestWaitingSince: number | null;
  /** The node this page is connected to. */
  node: string;
  /** The node that holds the session. */
  owner: string;
  standby: string | null;
  status: "alone" | "joining" | "member" | "draining" | "minority";
  /** The socket is there, and nothing comes through it. */
  silent: boolean;
  /** The node sent this page away, to another one. */
  moving: boolean;
  ownerReachable: boolean;
  message: string | null;
  goneReason: string | null;
}

export function newConnectionView(node: string): ConnectionView {
  return {
    state: "connecting",
    since: Date.now(),
    roundTripMs: null,
    waiting: 0,
    oldestWaitingSince: null,
    node,
    owner: "",
    standby: null,
    status: "alone",
    silent: false,
    moving: false,
    ownerReachable: true,
    message: null,
    goneReason: null,
  };
}

export function enter(view: ConnectionView, state: ConnectionView["state"]): void {
  if (view.state === state || view.state === "gone") return;
  view.state = state;
  if (state === "live") view.moving = false;
  view.since = Date.now();
}

export function takeCondition(view: ConnectionView, condition: Condition): void {
  view.status = condition.status as ConnectionView["status"];
  view.ownerReachable = condition.ownerReachable;
  view.node = condition.node;
  view.owner = condition.owner;
  view.standby = condition.standby;
  view.message = condition.message;
}
