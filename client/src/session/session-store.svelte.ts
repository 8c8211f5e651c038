import { untrack } from "svelte";
import { boot } from "../boot";
import { Connection, type ConnectionOptions } from "../connection/connection";
import type { ClientOperation, Entries, Joined, PresenceView, SelectionRange, ServerMessage, SessionView } from "../protocol";
import type { CellText } from "./cell-text.svelte";
import { type ConnectionView, enter, newConnectionView, takeCondition } from "./connection-view";
import { newId } from "./ids";
import { Outbox, type SubmitResult } from "./outbox";
import { applyPatch, type PatchOp } from "./patch";
import { type Orphan, TextSync } from "./text-sync";
import { loadUser, saveUser, type User } from "./user";

/** An operation that the server refused, for a notice. */
export interface Refusal {
  readonly id: string;
  readonly operation: ClientOperation;
  readonly reason: string;
  readonly at: number;
}

/** Somebody else's place in the session. */
export interface ClientPresence extends PresenceView {
  readonly client: string;
}

const JoinTimeout = 10_000;
const RejoinDelay = 1_000;
const RejoinsAtOnce = 3;
const KeptRefusals = 20;

/** A session as this page sees it: the server's view, the cells' texts, who is here, and what is still on its way. */
export class SessionStore {
  readonly id: string;
  /** Id of this page. Fresh for each load: the server counts a page's operations by it. */
  readonly self: string;
  view: SessionView | null = $state(null);
  clients: Record<string, PresenceView> = $state({});
  connection: ConnectionView = $state(newConnectionView(boot.node));
  user: User = $state.raw({ name: "", color: "1" });
  refusals: Refusal[] = $state([]);
  /** Text that could not be brought to the server. */
  orphans: Orphan[] = $state([]);
  readonly readOnly: boolean = $derived(this.connection.status === "minority" || this.connection.state === "gone");

  private epoch: number | null = null;
  private version = -1;
  private joining = false;
  /** Entries that came while a join was on its way. */
  private held: Entries[] = [];
  private rejoins = 0;
  private joinTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly outbox: Outbox;
  private readonly texts: TextSync;
  private readonly link: Connection;
  private readonly presenceListeners = new Set<() => void>();

  constructor(session: string, options: Partial<ConnectionOptions> = {}) {
    this.id = session;
    this.self = newId();
    this.user = loadUser(boot.user?.name ?? "");
    this.outbox = new Outbox((ref, operation) => this.live && this.link.send({ type: "submit", ref, operation }));
    this.texts = new TextSync({
      outbox: this.outbox,
      live: () => this.live && this.connection.status !== "minority",
      version: () => this.version,
      onOrphan: (orphan) => this.orphans.push(orphan),
      reload: () => this.rejoin(true),
      onPendingChanged: () => this.count(),
    });
    this.link = new Connection({
      ...options,
      onOpen: () => this.join(),
      onMessage: (message) => this.receive(message),
      onDown: (sentAway) => this.down(sentAway),
      onSilent: (silent) => (this.connection.silent = silent),
      onRoundTrip: (milliseconds) => (this.connection.roundTripMs = milliseconds),
    });
    if (typeof window !== "undefined") window.addEventListener("beforeunload", this.warnBeforeUnload);
  }

  /** A cell's text as it is shown; reading it is reactive. */
  text(cell: string): string {
    return this.texts.get(cell)?.doc.toString() ?? "";
  }

  /** A cell's text with its pending edits, for an editor. */
  cellText(cell: string): CellText | undefined {
    return untrack(() => this.texts.get(cell));
  }

  /** Call after a cell's text was edited on this page. */
  edited(cell: string): void {
    this.texts.flush(cell);
    this.count();
  }

  /** Asks for an operation; text that was typed before goes first. Answered when it is safe on the server, however long the connection is away. */
  submit(operation: ClientOperation): Promise<SubmitResult> {
    if (this.connection.state === "gone") return Promise.resolve({ ok: false, reason: this.connection.goneReason ?? "the session is closed" });
    return new Promise((resolve) => {
      this.texts.flushAll(true);
      this.outbox.add({
        build: () => operation,
        done: (result) => {
          if (!result.ok) this.refusals = [...this.refusals.slice(1 - KeptRefusals), { id: newId(), operation, reason: result.reason, at: Date.now() }];
          resolve(result);
        },
      });
      this.count();
    });
  }

  newId(): string {
    return newId();
  }

  /** Changes how others see this user, and remembers it in this browser. */
  setUser(name: string, color: string): void {
    this.user = { name, color };
    saveUser(this.user);
    if (this.live) this.join();
  }

  dismissRefusal(id: string): void {
    this.refusals = this.refusals.filter((refusal) => refusal.id !== id);
  }

  dismissOrphan(orphan: Orphan): void {
    this.orphans = this.orphans.filter((other) => other.cell !== orphan.cell || other.text !== orphan.text);
  }

  /** The others whose cursor is in a cell. */
  presenceOf(cell: string): ClientPresence[] {
    return Object.entries(this.clients)
      .filter(([client, presence]) => client !== this.self && presence.cell === cell)
      .map(([client, presence]) => ({ client, ...presence }));
  }

  /** Calls back when somebody's place changed. */
  watchPresence(listener: () => void): () => void {
    this.presenceListeners.add(listener);
    return () => this.presenceListeners.delete(listener);
  }

  /** Tells the others where this user is. Dropped while the connection is away. */
  reportPresence(cell: string | null, revision: number, ranges: readonly SelectionRange[]): void {
    if (this.live) this.link.send({ type: "presence", cell, revision, ranges });
  }

  dispose(): void {
    clearTimeout(this.joinTimer);
    this.link.close();
    if (typeof window !== "undefined") window.removeEventListener("beforeunload", this.warnBeforeUnload);
  }

  private get live(): boolean {
    return this.connection.state === "live" && !this.joining;
  }

  private join(whole = false): void {
    this.joining = true;
    this.held = [];
    const known = this.view !== null && !whole;
    this.link.send({
      type: "join",
      session: this.id,
      client: this.self,
      userName: this.user.name,
      userColor: this.user.color,
      epoch: known ? this.epoch : null,
      version: known ? this.version : null,
      texts: this.view === null ? null : this.texts.revisions(),
    });
    clearTimeout(this.joinTimer);
    this.joinTimer = setTimeout(() => this.join(whole), JoinTimeout);
  }

  /** Joins again on the same socket; with `whole` the view comes whole. Slows down when it does not help. */
  private rejoin(whole = false): void {
    if (this.connection.state === "gone") return;
    if (++this.rejoins <= RejoinsAtOnce) {
      this.join(whole);
      return;
    }
    this.joining = true;
    clearTimeout(this.joinTimer);
    this.joinTimer = setTimeout(() => this.join(whole), RejoinDelay);
  }

  private down(sentAway: boolean): void {
    this.connection.moving = sentAway || this.connection.moving;
    clearTimeout(this.joinTimer);
    this.joining = false;
    this.connection.roundTripMs = null;
    if (this.view !== null) enter(this.connection, "reconnecting");
  }

  private receive(message: ServerMessage): void {
    switch (message.type) {
      case "joined":
        this.joined(message);
        break;
      case "entries":
        if (this.joining) this.held.push(message);
        else if (this.view) this.entries(message);
        break;
      case "accepted":
        this.outbox.answer(message.ref, { ok: true, version: message.version });
        break;
      case "refused":
        this.outbox.answer(message.ref, { ok: false, reason: message.reason });
        break;
      case "presence":
        for (const [client, presence] of Object.entries(message.clients)) {
          if (presence) this.clients[client] = presence;
          else delete this.clients[client];
        }
        this.presenceChanged();
        break;
      case "condition": {
        const wasReadOnly = this.connection.status === "minority";
        takeCondition(this.connection, message);
        this.link.seek(message.status === "minority" || message.status === "joining");
        if (wasReadOnly && this.live) this.texts.flushAll();
        break;
      }
      case "resync":
        this.rejoin();
        break;
      case "gone":
        this.gone(message.reason);
        break;
      case "home":
      case "pong":
        break;
      default:
        // A newer server says something that this page does not know.
        message satisfies never;
    }
    this.count();
  }

  private joined(message: Joined): void {
    if (!this.joining || message.session !== this.id) return;
    clearTimeout(this.joinTimer);
    this.joining = false;
    const known = this.view !== null && message.epoch === this.epoch;
    if (!message.view && !(known && message.version === this.version)) {
      this.rejoin(true);
      return;
    }
    if (message.view) {
      this.view = message.view;
      this.epoch = message.epoch;
      this.version = message.version;
      try {
        this.texts.joined(message.texts ?? {}, message.version);
      } catch (error) {
        this.restart(error);
        return;
      }
    }
    this.clients = { ...message.clients };
    Object.assign(this.connection, { node: message.node, owner: message.owner, standby: message.standby });
    enter(this.connection, "live");
    const held = this.held;
    this.held = [];
    for (const entries of held) if (!this.joining && entries.to > this.version) this.entries(entries);
    if (!this.live) return;
    this.outbox.resend();
    this.texts.settle();
    this.presenceChanged();
  }

  private entries(message: Entries): void {
    if (message.epoch === this.epoch && message.to <= this.version) return;
    if (message.epoch !== this.epoch || message.from !== this.version) {
      this.rejoin();
      return;
    }
    try {
      for (const item of message.items) {
        if (item.k === "p") applyPatch(this, "view", item.ops as PatchOp[]);
        else this.texts.apply(item, message.to);
      }
      this.version = message.to;
      this.rejoins = 0;
      const cells = this.view!.cells;
      if (message.items.length > 0) this.texts.keep((cell) => cell in cells);
    } catch (error) {
      this.restart(error);
      return;
    }
    this.texts.settle();
    if (message.items.some((item) => item.k !== "p")) this.presenceChanged();
  }

  /** What this page holds cannot be continued: everything comes whole. Pending edits stay. */
  private restart(error: unknown): void {
    console.error(error);
    this.texts.reloadAll();
    this.rejoin(true);
  }

  private gone(reason: string): void {
    this.texts.abandonAll();
    this.connection.goneReason = reason;
    enter(this.connection, "gone");
    this.outbox.fail(reason);
    clearTimeout(this.joinTimer);
    this.link.close();
  }

  private presenceChanged(): void {
    for (const listener of this.presenceListeners) listener();
  }

  private count(): void {
    this.connection.waiting = this.outbox.size + this.texts.unsent;
    const since = [this.outbox.oldestSince, this.texts.oldestSince].filter((time) => time !== null);
    this.connection.oldestWaitingSince = this.connection.waiting === 0 || since.length === 0 ? null : Math.min(...since);
  }

  private readonly warnBeforeUnload = (event: BeforeUnloadEvent): void => {
    if (this.connection.waiting > 0) event.preventDefault();
  };
}
