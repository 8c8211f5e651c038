import { closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, historyKeymap, indentWithTab } from "@codemirror/commands";
import { searchKeymap } from "@codemirror/search";
import { type Extension, Prec } from "@codemirror/state";
import { type Command, type EditorView, keymap } from "@codemirror/view";

export interface CellCommands {
  onEvaluate(): void;
  onEvaluateAndNext(): void;
  onEvaluateAll(): void;
  onEscape(): void;
  onMoveOut(direction: -1 | 1): void;
}

/** An editor's keys. A cell's own come first; Esc leaves only when there is nothing else to close. */
export function cellKeys(commands: CellCommands): Extension {
  const run =
    (act: () => void): Command =>
    () => {
      act();
      return true;
    };
  const own = keymap.of([
    { key: "Mod-Enter", run: run(() => commands.onEvaluate()) },
    { key: "Shift-Enter", run: run(() => commands.onEvaluateAndNext()) },
    { key: "Mod-Shift-Enter", run: run(() => commands.onEvaluateAll()) },
  ]);
  const edges = keymap.of([
    { key: "ArrowUp", run: (view) => leaves(view, -1) && run(() => commands.onMoveOut(-1))(view) },
    { key: "ArrowDown", run: (view) => leaves(view, 1) && run(() => commands.onMoveOut(1))(view) },
  ]);
  return [
    Prec.high(own),
    keymap.of([...closeBracketsKeymap, ...searchKeymap, ...completionKeymap]),
    edges,
    keymap.of([...defaultKeymap.filter((binding) => binding.key !== "Mod-Enter"), ...historyKeymap, indentWithTab]),
    keymap.of([{ key: "Escape", run: run(() => commands.onEscape()) }]),
  ];
}

/** Would the cursor leave the document? True only on the first or last row as it is shown. */
export function leaves(view: EditorView, direction: -1 | 1): boolean {
  const { main, ranges } = view.state.selection;
  if (ranges.length > 1 || !main.empty) return false;
  const line = view.state.doc.lineAt(main.head);
  if (line.number !== (direction < 0 ? 1 : view.state.doc.lines)) return false;
  if (!view.lineWrapping) return true;
  const moved = view.moveVertically(main, direction > 0);
  const here = view.coordsAtPos(main.head);
  const there = view.coordsAtPos(moved.head);
  return !here || !there || Math.abs(here.top - there.top) < 2;
}
