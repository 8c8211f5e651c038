import { ChangeSet, Text } from "@codemirror/state";
import type { ChangeSet as ChangeJson } from "../protocol";

/** A change made on this page that the server has not confirmed. Once sent it stays one unit: the server broadcasts it as one. */
interface Unit {
  changes: ChangeSet;
  sent: boolean;
  /** Stream version at which the server said it accepted it. */
  acceptedAt: number | null;
}

/** Updates kept to map the places of others and of diagnostics that refer to an older revision. */
const RecentUpdates = 200;

/**
 * A cell's text on this page: what the server confirmed, and what was typed since. Works without an editor, so that edits survive an
 * editor that is unmounted. Every update is rebased alone: rebasing over a composition of several diverges from the other pages.
 */
export class CellText {
  /** What the page shows: confirmed text plus pending changes. */
  doc: Text = $state.raw(Text.empty);
  revision: number;
  private confirmed: Text;
  private pending: Unit[] = [];
  private recent: ChangeSet[] = [];
  /** How often the text came whole. */
  wholes = 0;
  /** Stream version of the last whole text; -1 = none since the page was loaded. */
  private wholeAt = -1;
  private readonly listeners = new Set<(remote: ChangeSet | null) => void>();

  /** @param editor Id of this page's edits of this cell. */
  constructor(
    readonly cell: string,
    readonly editor: string,
    revision: number,
    text: string,
  ) {
    this.revision = revision;
    this.confirmed = textOf(text);
    this.doc = this.confirmed;
  }

  /** Called with every change of `doc` that was not made by `edit`, and with null when only the revision moved on. */
  listen(listener: (remote: ChangeSet | null) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  get hasPending(): boolean {
    return this.pending.length > 0;
  }

  /** The newest pending change, as a mark for the methods that take `last`. */
  get lastPending(): object | undefined {
    return this.pending[this.pending.length - 1];
  }

  /** A change made on this page. */
  edit(changes: ChangeSet): void {
    if (changes.length !== this.doc.length) throw new RangeError("the change does not fit the cell's text");
    if (changes.empty) return;
    const last = this.pending[this.pending.length - 1];
    if (last && !last.sent) {
      last.changes = last.changes.compose(changes);
      if (last.changes.empty) this.pending.pop();
    } else {
      this.pending.push({ changes, sent: false, acceptedAt: null });
    }
    this.doc = changes.apply(this.doc);
  }

  isPending(last: object): boolean {
    return this.pending.includes(last as Unit);
  }

  /** Change sets up to `last` on top of `revision`, as they are now; null when all of them are confirmed. Marks them as sent. */
  pendingUpTo(last: object): ChangeJson[] | null {
    const index = this.pending.indexOf(last as Unit);
    if (index < 0) return null;
    const units = this.pending.slice(0, index + 1);
    for (const unit of units) unit.sent = true;
    return units.map((unit) => unit.changes.toJSON() as ChangeJson);
  }

  /** The next update of the ordered stream. */
  receive(editor: string, json: unknown): void {
    const changes = ChangeSet.fromJSON(json);
    if (changes.length !== this.confirmed.length) throw new RangeError(`an update does not fit the text of cell ${this.cell}`);
    const own = this.pending[0];
    if (own?.sent && editor === this.editor) {
      if (JSON.stringify(own.changes) === JSON.stringify(changes)) {
        this.pending.shift();
        this.advance(changes);
        this.notify(null);
        return;
      }
      // Rebased here over a whole text, there over the updates that led to it: the server's form counts.
      this.withdraw(1);
    }
    const remote = this.rebase(changes);
    this.advance(changes);
    this.show(remote);
  }

  /** The text as a whole at a revision: what changed meanwhile is found by comparing, what is pending stays on top of it. */
  replace(revision: number, text: string, version: number): void {
    // What the server accepted before that version is in the text already.
    let base = this.confirmed;
    while (this.pending[0] && isIn(this.pending[0], version)) base = this.pending.shift()!.changes.apply(base);
    const next = textOf(text);
    const difference = diff(base, next);
    const remote = this.rebase(difference);
    this.confirmed = next;
    this.revision = revision;
    this.recent = [];
    this.wholeAt = version;
    this.wholes++;
    this.show(remote);
  }

  /**
   * The server says that it accepted everything up to `last` at `version`. Normally the stream confirms it. After a whole text it
   * cannot: then what is in that text is taken off the pending changes.
   */
  accepted(last: object, version: number): void {
    const index = this.pending.indexOf(last as Unit);
    if (index < 0) return;
    if (version <= this.wholeAt && this.pending.slice(0, index + 1).every((unit) => contains(this.confirmed, unit.changes))) {
      this.withdraw(index + 1);
      return;
    }
    for (const unit of this.pending.slice(0, index + 1)) unit.acceptedAt = version;
  }

  /** Is anything marked as accepted at or before `version` still pending? Then it did not happen and has to be sent again. */
  overdue(version: number): boolean {
    const late = this.pending.filter((unit) => isIn(unit, version));
    for (const unit of late) unit.acceptedAt = null;
    return late.length > 0;
  }

  /** The stream went back behind `version` (a fail-over that lost something): what was accepted later was not. */
  forgetAcceptedAfter(version: number): void {
    for (const unit of this.pending) if (unit.acceptedAt !== null && unit.acceptedAt > version) unit.acceptedAt = null;
  }

  /** Gives all pending changes up; the page shows the confirmed text. */
  abandon(): void {
    if (this.pending.length > 0) this.withdraw(this.pending.length);
  }

  /** Maps a place in the text at a revision to the shown text; null when that revision is not known here (yet, or any more). */
  toLocal(revision: number, position: number, side: -1 | 1): number | null {
    const behind = this.revision - revision;
    if (behind < 0 || behind > this.recent.length) return null;
    let at = position;
    for (const changes of [...this.recent.slice(this.recent.length - behind), ...this.pending.map((unit) => unit.changes)]) {
      if (at < 0 || at > changes.length) return null;
      at = changes.mapPos(at, side);
    }
    return at >= 0 && at <= this.doc.length ? at : null;
  }

  /** Maps a place in the shown text to the text at `revision`. */
  toConfirmed(position: number): number {
    let at = position;
    for (const unit of [...this.pending].reverse()) at = unit.changes.invertedDesc.mapPos(at, -1);
    return at;
  }

  /** Moves the pending changes over a change of the confirmed text; returns that change moved over them. */
  private rebase(changes: ChangeSet): ChangeSet {
    let remote = changes;
    for (const unit of this.pending) {
      const moved = unit.changes.map(remote);
      remote = remote.map(unit.changes, true);
      unit.changes = moved;
    }
    return remote;
  }

  private withdraw(count: number): void {
    const inverse = this.pending
      .splice(0, count)
      .map((unit) => unit.changes)
      .reduce((a, b) => a.compose(b))
      .invert(this.confirmed);
    this.show(this.rebase(inverse));
  }

  private advance(changes: ChangeSet): void {
    this.confirmed = changes.apply(this.confirmed);
    this.revision++;
    this.recent.push(changes);
    if (this.recent.length > RecentUpdates) this.recent.shift();
  }

  private show(remote: ChangeSet): void {
    if (!remote.empty) this.doc = remote.apply(this.doc);
    this.notify(remote.empty ? null : remote);
  }

  private notify(remote: ChangeSet | null): void {
    for (const listener of this.listeners) listener(remote);
  }
}

function isIn(unit: Unit, version: number): boolean {
  return unit.acceptedAt !== null && unit.acceptedAt <= version;
}

function textOf(text: string): Text {
  return Text.of(text.split("\n"));
}

/** What one edit in the middle makes of one text the other. */
function diff(from: Text, to: Text): ChangeSet {
  const a = from.toString();
  const b = to.toString();
  let start = 0;
  const most = Math.min(a.length, b.length);
  while (start < most && a.charCodeAt(start) === b.charCodeAt(start)) start++;
  let end = 0;
  while (end < most - start && a.charCodeAt(a.length - 1 - end) === b.charCodeAt(b.length - 1 - end)) end++;
  if (start === a.length && start === b.length) return ChangeSet.empty(a.length);
  return ChangeSet.of({ from: start, to: a.length - end, insert: to.slice(start, b.length - end) }, a.length);
}

/** Does the text hold everything that the change inserts, maybe with something of others between? */
function contains(text: Text, changes: ChangeSet): boolean {
  const whole = text.toString();
  let at = 0;
  changes.iterChanges((_fromA, _toA, _fromB, _toB, inserted) => {
    for (const character of inserted.toString()) if (at >= 0) at = whole.indexOf(character, at) + 1 || -1;
  });
  return at >= 0;
}
