import { forEachDiagnostic, setDiagnostics, setDiagnosticsEffect, type Diagnostic as Mark } from "@codemirror/lint";
import { type EditorState, type Extension, RangeSet, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, GutterMarker, gutterLineClass } from "@codemirror/view";
import type { Diagnostic } from "../protocol";

/** Maps a place of the text that the diagnostics refer to; null when it is not known any more. */
export type ToLocal = (position: number, side: -1 | 1) => number | null;

/** Underlines what a compiler said, and marks its lines' numbers: no gutter of its own, so that code keeps its place. */
export function showDiagnostics(view: EditorView, list: readonly Diagnostic[], toLocal: ToLocal): void {
  const length = view.state.doc.length;
  const marks: Mark[] = [];
  for (const diagnostic of list) {
    const from = toLocal(diagnostic.from, 1);
    const to = toLocal(diagnostic.to, -1);
    if (from === null || to === null || from > length) continue;
    marks.push({
      from,
      to: Math.min(length, Math.max(from, to)),
      severity: diagnostic.severity,
      source: diagnostic.code,
      message: diagnostic.message,
    });
  }
  view.dispatch(setDiagnostics(view.state, marks));
}

class LineMarker extends GutterMarker {
  constructor(override readonly elementClass: string) {
    super();
  }
}

const errorNumber = new LineMarker("cm-line-error");
const warningNumber = new LineMarker("cm-line-warning");
const errorLine = Decoration.line({ class: "cm-line-error" });

interface LineMarks {
  readonly numbers: RangeSet<GutterMarker>;
  readonly lines: DecorationSet;
}

const lineMarks = StateField.define<LineMarks>({
  create: () => ({ numbers: RangeSet.empty, lines: Decoration.none }),
  update(marks, transaction) {
    if (transaction.effects.some((effect) => effect.is(setDiagnosticsEffect))) return marksOf(transaction.state);
    if (!transaction.docChanged) return marks;
    return { numbers: marks.numbers.map(transaction.changes), lines: marks.lines.map(transaction.changes) };
  },
  provide: (field) => [gutterLineClass.from(field, (marks) => marks.numbers), EditorView.decorations.from(field, (marks) => marks.lines)],
});

function marksOf(state: EditorState): LineMarks {
  const errors = new Set<number>();
  const warnings = new Set<number>();
  forEachDiagnostic(state, (diagnostic, from) => {
    const line = state.doc.lineAt(Math.min(from, state.doc.length)).from;
    if (diagnostic.severity === "error") errors.add(line);
    else if (diagnostic.severity === "warning") warnings.add(line);
  });
  const numbers = [...new Set([...errors, ...warnings])].map((line) => (errors.has(line) ? errorNumber : warningNumber).range(line));
  return {
    numbers: RangeSet.of<GutterMarker>(numbers, true),
    lines: Decoration.set(
      [...errors].map((line) => errorLine.range(line)),
      true,
    ),
  };
}

// The lint extension first: its field has to be there when the marks are read.
export const diagnosticMarks: Extension = lineMarks;
