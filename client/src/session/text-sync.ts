import { SvelteMap } from "svelte/reactivity";
import type { StreamEntry, TextState } from "../protocol";
import { CellText } from "./cell-text.svelte";
import { newId } from "./ids";
import type { Outbox, SubmitResult } from "./outbox";

/** Text that could not be brought to the server: the cell's text as it stood on this page. */
export interface Orphan {
  readonly cell: string;
  readonly text: string;
}

export interface TextSyncOptions {
  readonly outbox: Outbox;
  /** Can edits be sent now? */
  live(): boolean;
  /** Version of the stream that has been applied. */
  version(): number;
  onOrphan(orphan: Orphan): void;
  /** Needs a join: a cell's text is wanted whole. */
  reload(): void;
  onPendingChanged(): void;
}

/** One sent edit of a cell that was not answered. */
interface Flight {
  /** The newest change it holds. */
  readonly last: object;
  /** The revision it was sent for. */
  revision: number;
  /** How often the text had come whole when it was made. */
  readonly wholes: number;
}

/** How often an edit is tried again at another revision before it is given up. */
const Attempts = 5;

/** The texts of all cells, and the edits on their way. */
export class TextSync {
  private readonly texts = new SvelteMap<string, CellText>();
  private readonly flights = new Map<string, Flight[]>();
  private readonly attempts = new Map<string, number>();
  /** Cells whose text the next join brings whole. */
  private readonly wholeDue = new Set<string>();
  /** Cells whose edits were refused even at the newest revision, so that the text was fetched whole. */
  private readonly reloaded = new Set<string>();
  private readonly since = new Map<string, number>();

  constructor(private readonly options: TextSyncOptions) {}

  get(cell: string): CellText | undefined {
    return this.texts.get(cell);
  }

  /** Cell → revision, for a join; without the cells that need their whole text. */
  revisions(): Record<string, number> {
    const revisions: Record<string, number> = {};
    for (const [cell, text] of this.texts) if (!this.wholeDue.has(cell)) revisions[cell] = text.revision;
    return revisions;
  }

  /** The next join brings every text whole. */
  reloadAll(): void {
    for (const cell of this.texts.keys()) this.wholeDue.add(cell);
  }

  /** Cells with edits that no submission on its way holds. */
  get unsent(): number {
    let count = 0;
    for (const [cell, text] of this.texts) if (text.hasPending && !this.flights.get(cell)?.length) count++;
    return count;
  }

  get oldestSince(): number | null {
    return this.since.size === 0 ? null : Math.min(...this.since.values());
  }

  /** Sends a cell's edits: one submission at a time, so that what is typed meanwhile travels together; `now` does not wait for the one on its way. */
  flush(cell: string, now = false): void {
    const text = this.texts.get(cell);
    if (!text?.hasPending) {
      this.since.delete(cell);
      return;
    }
    if (!this.since.has(cell)) this.since.set(cell, Date.now());
    const flights = this.flights.get(cell) ?? [];
    const last = text.lastPending!;
    if (flights.some((flight) => flight.last === last)) return;
    if (!now && (flights.length > 0 || !this.options.live())) return;
    const flight: Flight = { last, revision: text.revision, wholes: text.wholes };
    this.flights.set(cell, [...flights, flight]);
    this.options.outbox.add({
      build: () => {
        const updates = text.pendingUpTo(last);
        flight.revision = text.revision;
        return updates && { op: "edit_text", cell, editor: text.editor, revision: text.revision, updates };
      },
      done: (result) => this.answered(text, flight, result),
      // The text came whole since: whether this edit is in it, only the answer says. What follows would count on it.
      holdsBack: () => flight.wholes !== text.wholes && text.isPending(last),
    });
  }

  flushAll(now = false): void {
    for (const cell of this.texts.keys()) this.flush(cell, now);
  }

  /** The texts that came with a join. Cells that are not among them are gone. */
  joined(states: { readonly [cell: string]: TextState }, version: number): void {
    for (const [cell, state] of Object.entries(states)) this.take(cell, state, version);
    this.keep((cell) => cell in states);
    this.wholeDue.clear();
    for (const text of this.texts.values()) text.forgetAcceptedAfter(version);
  }

  apply(entry: Extract<StreamEntry, { k: "t" | "r" }>, version: number): void {
    if (entry.k === "r") this.take(entry.cell, { revision: entry.revision, text: entry.text }, version);
    else this.texts.get(entry.cell)?.receive(entry.editor, entry.changes);
  }

  /** Forgets the cells that are gone; what was not sent of them is offered to the user. */
  keep(exists: (cell: string) => boolean): void {
    for (const [cell, text] of [...this.texts]) {
      if (exists(cell)) continue;
      this.giveUp(text);
      this.texts.delete(cell);
      this.since.delete(cell);
      this.flights.delete(cell);
      this.reloaded.delete(cell);
      this.attempts.delete(cell);
    }
  }

  /** After the stream moved on: sends what was typed while an edit was on its way, and what was accepted but did not happen. */
  settle(): void {
    for (const [cell, text] of this.texts) {
      const flights = this.flights.get(cell);
      if (flights) {
        const open = flights.filter((flight) => text.isPending(flight.last));
        if (open.length < flights.length) {
          this.flights.set(cell, open);
          this.attempts.delete(cell);
          this.reloaded.delete(cell);
        }
      }
      const overdue = text.overdue(this.options.version());
      this.flush(cell, overdue);
    }
  }

  /** Offers everything that was not sent: there is no session to send it to. */
  abandonAll(): void {
    for (const text of this.texts.values()) this.giveUp(text);
  }

  private take(cell: string, state: TextState, version: number): void {
    const known = this.texts.get(cell);
    if (state.text != null) {
      if (known) known.replace(state.revision, state.text, version);
      else this.texts.set(cell, new CellText(cell, newId(), state.revision, state.text));
      return;
    }
    if (!known) throw new Error(`updates of the unknown cell ${cell}`);
    const updates = state.updates ?? [];
    const skip = known.revision - (state.revision - updates.length);
    if (skip < 0 || known.revision > state.revision) throw new Error(`the updates of cell ${cell} do not follow its revision ${known.revision}`);
    for (const update of updates.slice(skip)) known.receive(update.editor, update.changes);
  }

  private answered(text: CellText, flight: Flight, result: SubmitResult): void {
    const { cell } = text;
    const rest = (this.flights.get(cell) ?? []).filter((other) => other !== flight);
    this.flights.set(cell, rest);
    if (this.texts.get(cell) !== text) return;
    if (result.ok) {
      text.accepted(flight.last, result.version);
      this.flush(cell, text.overdue(this.options.version()));
    } else if (rest.length === 0 && text.isPending(flight.last)) {
      this.refused(text, flight);
    }
    this.options.onPendingChanged();
  }

  private refused(text: CellText, flight: Flight): void {
    const { cell } = text;
    // The node cannot take anything at the moment: tried again when it can.
    if (!this.options.live()) return;
    const attempts = (this.attempts.get(cell) ?? 0) + 1;
    this.attempts.set(cell, attempts);
    if (text.revision !== flight.revision && attempts < Attempts) {
      this.flush(cell);
    } else if (!this.reloaded.has(cell)) {
      this.reloaded.add(cell);
      this.wholeDue.add(cell);
      this.options.reload();
    } else {
      this.attempts.delete(cell);
      this.reloaded.delete(cell);
      this.giveUp(text);
    }
  }

  private giveUp(text: CellText): void {
    if (!text.hasPending) return;
    this.options.onOrphan({ cell: text.cell, text: text.doc.toString() });
    text.abandon();
    this.since.delete(text.cell);
  }
}
