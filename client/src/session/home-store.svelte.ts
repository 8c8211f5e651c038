import { boot } from "../boot";
import { Connection, type ConnectionOptions } from "../connection/connection";
import type { ClusterView, ServerMessage, SessionSummary } from "../protocol";
import { type ConnectionView, enter, newConnectionView, takeCondition } from "./connection-view";

/** All sessions of all nodes, and the cluster, as the home page shows them. */
export class HomeStore {
  sessions: SessionSummary[] = $state.raw([]);
  cluster: ClusterView | null = $state.raw(null);
  connection: ConnectionView = $state(newConnectionView(boot.node));
  private readonly link: Connection;

  constructor(options: Partial<ConnectionOptions> = {}) {
    this.link = new Connection({
      ...options,
      onOpen: () => this.link.send({ type: "watch_home" }),
      onMessage: (message) => this.receive(message),
      onDown: () => {
        this.connection.roundTripMs = null;
        if (this.cluster) enter(this.connection, "reconnecting");
      },
      onRoundTrip: (milliseconds) => (this.connection.roundTripMs = milliseconds),
    });
  }

  dispose(): void {
    this.link.close();
  }

  private receive(message: ServerMessage): void {
    if (message.type === "home") {
      this.sessions = [...message.sessions];
      this.cluster = message.cluster;
      enter(this.connection, "live");
    } else if (message.type === "condition") {
      takeCondition(this.connection, message);
    }
  }
}
