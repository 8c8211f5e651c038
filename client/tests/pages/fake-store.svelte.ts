import type { ClientOperation, ClusterView, PresenceView, SessionSummary, SessionView } from "../../src/protocol";
import type { HomeSource } from "../../src/pages/home/home-source";
import type { NotebookStore } from "../../src/pages/session/notebook-store";
import { CellText } from "../../src/session/cell-text.svelte";
import { newConnectionView, type ConnectionView } from "../../src/session/connection-view";
import { clusterOf, people, sessions, texts, viewOf } from "./fixture-data";

export type FixtureState = "ok" | "reconnecting" | "minority" | "empty" | "connecting" | "conflict" | "orphans" | "plain";

/** Svelte's deep proxies make the view mutable, as the real store's patches do. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Loose = any;

function connectionOf(state: FixtureState): ConnectionView {
  const view = newConnectionView("node-a");
  Object.assign(view, { state: "live", status: "member", owner: "node-b", standby: "node-c", roundTripMs: 18, since: Date.now() - 60_000 });
  if (state === "reconnecting") Object.assign(view, { state: "reconnecting", since: Date.now() - 4000, waiting: 3, oldestWaitingSince: Date.now() - 3500, roundTripMs: null });
  if (state === "minority") Object.assign(view, { status: "minority", message: "This node reaches 1 of 3 members, so it accepts no edits. Open the notebook on node-c to go on." });
  if (state === "connecting") Object.assign(view, { state: "connecting" });
  return view;
}

export class FakeStore implements NotebookStore {
  view: SessionView | null = $state(null);
  clients: Record<string, PresenceView> = $state(people);
  connection: ConnectionView = $state(newConnectionView("node-a"));
  user = $state.raw({ name: "Mira", color: "6" });
  refusals: NotebookStore["refusals"] = $state([]);
  orphans: NotebookStore["orphans"] = $state([]);
  readonly self = "me";
  readonly operations: ClientOperation[] = [];
  readonly #texts = new Map<string, CellText>();
  #next = 1;

  constructor(
    readonly id: string,
    state: FixtureState,
  ) {
    this.connection = connectionOf(state);
    if (state !== "connecting") this.view = viewOf(state);
    for (const [cell, text] of Object.entries(texts)) this.#texts.set(cell, new CellText(cell, "page", 0, text));
    if (state === "orphans") this.orphans = [{ cell: "gone", text: "var lost = 1;" } as Loose];
    window.fixtureStore = this;
  }

  get readOnly(): boolean {
    return this.connection.status === "minority";
  }

  text(cell: string): string {
    return this.#texts.get(cell)?.doc.toString() ?? "";
  }

  cellText(cell: string): CellText | undefined {
    return this.#texts.get(cell);
  }

  edited(): void {}

  async submit(operation: ClientOperation) {
    this.operations.push(operation);
    this.#apply(operation);
    return { ok: true as const, version: this.operations.length };
  }

  newId(): string {
    return `cell-new-${this.#next++}`;
  }

  setUser(name: string, color: string): void {
    this.user = { name, color };
  }

  dismissRefusal(): void {}
  dismissOrphan(): void {
    this.orphans = [];
  }

  presenceOf(cell: string) {
    return Object.entries(this.clients)
      .filter(([client, person]) => client !== this.self && person.cell === cell)
      .map(([client, person]) => ({ client, ...person }));
  }

  watchPresence() {
    return () => {};
  }

  reportPresence(): void {}
  dispose(): void {}

  /** Enough of the server's rules to try the page's keys and buttons. */
  #apply(operation: ClientOperation): void {
    const view = this.view as Loose;
    switch (operation.op) {
      case "rename_notebook":
        view.name = operation.name;
        break;
      case "insert_cell":
        this.#texts.set(operation.cell, new CellText(operation.cell, "page", 0, operation.source ?? ""));
        view.cells[operation.cell] = { ...view.cells["lines"], kind: operation.kind, section: operation.section, validity: "fresh", outputOrder: [], outputs: {}, diagnostics: [] };
        view.sections[operation.section].cells.splice(operation.index ?? view.sections[operation.section].cells.length, 0, operation.cell);
        break;
      case "delete_cell": {
        const section = view.sections[view.cells[operation.cell].section];
        section.cells.splice(section.cells.indexOf(operation.cell), 1);
        delete view.cells[operation.cell];
        break;
      }
      case "evaluate":
        for (const cell of operation.cells) view.cells[cell].status = "queued";
        break;
      case "cancel":
        if (operation.cell) view.cells[operation.cell].status = "ready";
        break;
      default:
        break;
    }
  }
}

export class FakeHome implements HomeSource {
  sessions: SessionSummary[];
  cluster: ClusterView | null;
  connection: ConnectionView;

  constructor(state: FixtureState) {
    this.connection = connectionOf(state);
    this.sessions = state === "empty" || state === "connecting" ? [] : sessions;
    this.cluster = state === "connecting" ? null : clusterOf(state);
  }

  dispose(): void {}
}

declare global {
  interface Window {
    fixtureStore?: FakeStore;
  }
}
