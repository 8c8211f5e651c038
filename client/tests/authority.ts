import { ChangeSet, Text } from "@codemirror/state";
import type { ChangeSet as ChangeJson, ClientMessage, ClientOperation, ServerMessage, SessionView, StreamEntry, TextState } from "../src/protocol";
import type { Socket } from "../src/connection/connection";

interface Cell {
  text: Text;
  revision: number;
  history: { editor: string; changes: ChangeSet }[];
}

/** A session on a server, as far as its pages can tell: order, rebase one by one, refs that count once, resume. */
export class Authority {
  epoch = 1;
  version = 0;
  name = "Notebook";
  historyLength = 500;
  readonly cells = new Map<string, Cell>();
  readonly lines: Line[] = [];
  readonly log: string[] = [];
  refuse: ((operation: ClientOperation) => string | null) | null = null;
  private refs = new Map<string, { ref: number; version: number }>();

  constructor(texts: Record<string, string> = {}) {
    for (const [cell, text] of Object.entries(texts)) this.cells.set(cell, newCell(text));
  }

  textOf(cell: string): string {
    return this.cells.get(cell)!.text.toString();
  }

  /** Opens a page's socket; the returned line is under the test's control. */
  open = (): Socket => {
    const line = new Line(this);
    this.lines.push(line);
    return line.socket;
  };

  hear(line: Line, message: ClientMessage): void {
    switch (message.type) {
      case "join": {
        line.joined = true;
        line.client = message.client;
        const current = message.epoch === this.epoch && message.version === this.version;
        line.say({
          type: "joined",
          session: message.session,
          epoch: this.epoch,
          version: this.version,
          node: "a",
          owner: "a",
          standby: null,
          view: current ? null : this.view(),
          texts: current ? null : this.texts(message.texts ?? {}),
          clients: {},
        });
        break;
      }
      case "submit":
        this.submit(line, message.ref, message.operation);
        break;
      case "ping":
        line.say({ type: "pong", at: message.at });
        break;
    }
  }

  private submit(line: Line, ref: number, operation: ClientOperation): void {
    const seen = this.refs.get(line.client);
    if (seen && ref <= seen.ref) {
      line.say({ type: "accepted", ref, version: seen.version });
      return;
    }
    const reason = this.refuse?.(operation) ?? null;
    const items = reason ?? this.apply(operation);
    if (typeof items === "string") {
      line.say({ type: "refused", ref, reason: items });
      return;
    }
    this.log.push(operation.op);
    this.refs.set(line.client, { ref, version: this.version + 1 });
    this.publish(items);
    line.say({ type: "accepted", ref, version: this.version });
  }

  publish(items: StreamEntry[]): void {
    const from = this.version++;
    for (const other of this.lines) if (other.joined) other.say({ type: "entries", epoch: this.epoch, from, to: this.version, items });
  }

  apply(operation: ClientOperation): StreamEntry[] | string {
    switch (operation.op) {
      case "rename_notebook":
        this.name = operation.name;
        return [{ k: "p", ops: [["s", ["name"], operation.name]] }];
      case "insert_cell":
        this.cells.set(operation.cell, newCell(operation.source ?? ""));
        return [
          { k: "p", ops: [["s", ["cells", operation.cell], { kind: "code" }]] },
          { k: "r", cell: operation.cell, revision: 0, text: operation.source ?? "" },
        ];
      case "delete_cell":
        this.cells.delete(operation.cell);
        return [{ k: "p", ops: [["d", ["cells", operation.cell]]] }];
      case "edit_text": {
        const cell = this.cells.get(operation.cell);
        if (!cell) return "the cell is gone";
        const missed = cell.revision - operation.revision;
        if (missed < 0 || missed > cell.history.length) return "the edit is too far behind the cell's text: load the cell again";
        let mine = operation.updates.map((update) => ChangeSet.fromJSON(update));
        for (const old of missed === 0 ? [] : cell.history.slice(-missed)) {
          if (mine.length > 0 && old.editor === operation.editor) {
            mine.shift();
            continue;
          }
          let over = old.changes;
          mine = mine.map((changes) => {
            const moved = changes.map(over);
            over = over.map(changes, true);
            return moved;
          });
        }
        return mine.map((changes) => {
          cell.text = changes.apply(cell.text);
          cell.revision++;
          cell.history.push({ editor: operation.editor, changes });
          if (cell.history.length > this.historyLength) cell.history.shift();
          return { k: "t", cell: operation.cell, editor: operation.editor, changes: changes.toJSON() as ChangeJson };
        });
      }
      default:
        return [];
    }
  }

  /** Another node takes the session over. */
  failOver(): void {
    this.epoch++;
    for (const line of this.lines) line.cut();
  }

  private view(): SessionView {
    const cells = Object.fromEntries([...this.cells.keys()].map((cell) => [cell, { kind: "code" }]));
    return JSON.parse(JSON.stringify({ id: "s", name: this.name, sectionOrder: [], sections: {}, cells })) as SessionView;
  }

  private texts(known: { readonly [cell: string]: number }): Record<string, TextState> {
    const states: Record<string, TextState> = {};
    for (const [id, cell] of this.cells) {
      const missed = id in known ? cell.revision - known[id]! : -1;
      states[id] =
        missed >= 0 && missed <= cell.history.length
          ? {
              revision: cell.revision,
              text: null,
              updates: (missed === 0 ? [] : cell.history.slice(-missed)).map((update) => ({ editor: update.editor, changes: update.changes.toJSON() as ChangeJson })),
            }
          : { revision: cell.revision, text: cell.text.toString() };
    }
    return states;
  }
}

/** One socket between a page and the authority. Messages wait in both directions until they are delivered. */
export class Line {
  joined = false;
  client = "";
  alive = true;
  private accepted = false;
  readonly toServer: string[] = [];
  readonly toPage: string[] = [];
  readonly socket: Socket;
  private readonly authority: Authority;

  constructor(authority: Authority) {
    this.authority = authority;
    this.socket = {
      onopen: null,
      onmessage: null,
      onclose: null,
      send: (text) => void (this.alive && this.toServer.push(text)),
      close: () => this.cut(),
    };
  }

  accept(): void {
    if (this.accepted) return;
    this.accepted = true;
    this.socket.onopen?.();
  }

  say(message: ServerMessage): void {
    if (this.alive) this.toPage.push(JSON.stringify(message));
  }

  /** The next message of the page reaches the server. */
  up(): boolean {
    const text = this.toServer.shift();
    if (text === undefined) return false;
    this.authority.hear(this, JSON.parse(text) as ClientMessage);
    return true;
  }

  /** The next message of the server reaches the page. */
  down(): boolean {
    const text = this.toPage.shift();
    if (text === undefined) return false;
    this.socket.onmessage?.({ data: text });
    return true;
  }

  /** Delivers everything, both ways, until nothing is left. */
  settle(): void {
    for (let i = 0; this.up() || this.down(); i++) if (i > 10_000) throw new Error(`page and server do not come to rest: ${this.toServer.join()} ${this.toPage.join()}`);
  }

  /** The connection breaks; what was on its way is lost. */
  cut(): void {
    if (!this.alive) return;
    this.alive = false;
    this.joined = false;
    this.toServer.length = this.toPage.length = 0;
    this.socket.onclose?.();
  }
}

function newCell(text: string): Cell {
  return { text: Text.of(text.split("\n")), revision: 0, history: [] };
}

/** Repeatable random numbers (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
