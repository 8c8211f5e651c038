import { type Range, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, WidgetType } from "@codemirror/view";

/** Where somebody else is in this text. */
export interface RemoteCursor {
  readonly client: string;
  readonly name: string;
  /** A CSS colour. */
  readonly color: string;
  readonly ranges: readonly { readonly anchor: number; readonly head: number }[];
}

export const setRemoteCursors = StateEffect.define<readonly RemoteCursor[]>();

/** The cursors of the others; they move with the text until the next word of them comes. */
export const remoteCursors = StateField.define<readonly RemoteCursor[]>({
  create: () => [],
  update(cursors, transaction) {
    let now = cursors;
    if (transaction.docChanged) {
      const { changes } = transaction;
      now = now.map((cursor) => ({
        ...cursor,
        ranges: cursor.ranges.map(({ anchor, head }) => ({ anchor: changes.mapPos(anchor, 1), head: changes.mapPos(head, 1) })),
      }));
    }
    for (const effect of transaction.effects) if (effect.is(setRemoteCursors)) now = effect.value;
    return now;
  },
  provide: (field) => EditorView.decorations.compute([field, "doc"], (state) => decorate(state.field(field), state.doc.length)),
});

function decorate(cursors: readonly RemoteCursor[], length: number): DecorationSet {
  const marks: Range<Decoration>[] = [];
  for (const cursor of cursors) {
    for (const range of cursor.ranges) {
      const from = Math.min(range.anchor, range.head);
      const to = Math.max(range.anchor, range.head);
      if (to > length) continue;
      if (from < to) marks.push(Decoration.mark({ class: "cm-remote-selection", attributes: { style: `--p: ${cursor.color}` } }).range(from, to));
      marks.push(Decoration.widget({ widget: new CursorWidget(cursor.name, cursor.color), side: range.head >= range.anchor ? 1 : -1 }).range(range.head));
    }
  }
  return Decoration.set(marks, true);
}

class CursorWidget extends WidgetType {
  constructor(
    private readonly name: string,
    private readonly color: string,
  ) {
    super();
  }

  override eq(other: CursorWidget): boolean {
    return other.name === this.name && other.color === this.color;
  }

  override toDOM(): HTMLElement {
    const cursor = document.createElement("span");
    cursor.className = "cm-remote-cursor";
    cursor.style.setProperty("--p", this.color);
    cursor.setAttribute("aria-hidden", "true");
    if (this.name) cursor.dataset.name = this.name;
    return cursor;
  }

  override ignoreEvent(): boolean {
    return true;
  }
}

/** A presence colour as CSS; anything that is neither an index nor a hex colour becomes grey. */
export function presenceColor(color: string): string {
  if (/^(?:[1-9]|1[0-2])$/.test(color)) return `var(--p${color})`;
  return /^#(?:[\da-f]{3,4}|[\da-f]{6}|[\da-f]{8})$/i.test(color) ? color : "var(--p12)";
}
