import { autocompletion, closeBrackets, type CompletionSource } from "@codemirror/autocomplete";
import { history } from "@codemirror/commands";
import { bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { highlightSelectionMatches, search } from "@codemirror/search";
import { Annotation, ChangeSet, Compartment, EditorSelection, EditorState, type Extension, Transaction } from "@codemirror/state";
import {
  crosshairCursor,
  drawSelection,
  dropCursor,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  lineNumbers,
  placeholder,
  rectangularSelection,
} from "@codemirror/view";
import type { Diagnostic } from "../protocol";
import { CellText } from "../session/cell-text.svelte";
import type { SessionStore } from "../session/session-store.svelte";
import { codeColors } from "./colors";
import { diagnosticMarks, showDiagnostics } from "./diagnostics";
import { type CellCommands, cellKeys } from "./keys";
import { extensionOf, indentationOf, loadedLanguage, loadLanguage } from "./languages";
import { presenceColor, remoteCursors, setRemoteCursors } from "./remote-cursors";
import { cellTheme } from "./theme";

export interface CellEditorOptions extends CellCommands {
  readonly store: SessionStore;
  readonly cell: string;
  readonly language: string;
  readOnly(): boolean;
  readonly diagnostics?: { readonly list: readonly Diagnostic[]; readonly revision: number };
  onFocus(): void;
  onBlur(): void;
  /** What a screen reader says, e.g. "Cell 2 of Section Data, C#". */
  readonly label: string;
  readonly placeholder?: string;
  readonly completion?: CompletionSource;
  readonly extensions?: Extension;
}

export interface CellEditor {
  readonly view: EditorView;
  focus(atEnd?: boolean): void;
  destroy(): void;
  /** Shows diagnostics that refer to a revision of the cell's text. */
  setDiagnostics(list: readonly Diagnostic[], revision: number): void;
  setLanguage(language: string): void;
}

const PresenceInterval = 60;

/** Marks changes that come from the cell's text, so that they are not taken for the user's. */
const fromText = Annotation.define<boolean>();

/** An editor of a cell's text. Its edits go to the store at once and stay there when it is destroyed. */
export function createCellEditor(parent: HTMLElement, options: CellEditorOptions): CellEditor {
  const { store, cell } = options;
  // A cell that was deleted a moment ago: the page will take the editor away.
  const text = store.cellText(cell) ?? new CellText(cell, "", 0, "");
  const language = new Compartment();
  let current = options.language;
  let waiting: { list: readonly Diagnostic[]; revision: number } | null = options.diagnostics ?? null;
  let presenceTimer: ReturnType<typeof setTimeout> | undefined;
  let destroyed = false;

  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text.doc,
      extensions: [
        cellKeys(options),
        basics(options.language),
        language.of(languageExtensions(current)),
        options.completion ? autocompletion({ override: [options.completion] }) : autocompletion(),
        options.placeholder ? placeholder(options.placeholder) : [],
        diagnosticMarks,
        remoteCursors,
        EditorState.transactionFilter.of((transaction) => (transaction.docChanged && !transaction.annotation(fromText) && options.readOnly() ? [] : transaction)),
        EditorView.contentAttributes.of(() => ({ "aria-label": options.label, "aria-readonly": String(options.readOnly()) })),
        EditorView.updateListener.of((update) => {
          const own = update.transactions.filter((transaction) => transaction.docChanged && !transaction.annotation(fromText));
          for (const transaction of own) text.edit(transaction.changes);
          if (own.length > 0) store.edited(cell);
          if (update.docChanged || update.selectionSet) reportSoon();
          if (update.focusChanged) focusChanged(update.view.hasFocus);
        }),
        options.extensions ?? [],
      ],
    }),
  });

  function focusChanged(focused: boolean): void {
    reportSoon();
    if (focused) options.onFocus();
    else options.onBlur();
  }

  function reportSoon(): void {
    presenceTimer ??= setTimeout(report, PresenceInterval);
  }

  function report(): void {
    presenceTimer = undefined;
    if (destroyed) return;
    if (!view.hasFocus) {
      // Whoever went on to another cell says so with that cell's own report, later than this one.
      if (reporting === view) store.reportPresence(null, text.revision, []);
      if (reporting === view) reporting = null;
      return;
    }
    reporting = view;
    const ranges = view.state.selection.ranges.map((range) => ({ anchor: text.toConfirmed(range.anchor), head: text.toConfirmed(range.head) }));
    store.reportPresence(cell, text.revision, ranges);
  }

  function showOthers(): void {
    const before = view.state.field(remoteCursors);
    const others = store.presenceOf(cell).map((presence) => {
      const ranges = presence.ranges.map((range) => ({ anchor: text.toLocal(presence.revision, range.anchor, 1), head: text.toLocal(presence.revision, range.head, 1) }));
      const known = ranges.every((range) => range.anchor !== null && range.head !== null);
      return {
        client: presence.client,
        name: presence.name,
        color: presenceColor(presence.color),
        // Of a revision that is not here (yet): where they were is the best that is known.
        ranges: known ? (ranges as { anchor: number; head: number }[]) : (before.find((cursor) => cursor.client === presence.client)?.ranges ?? []),
      };
    });
    if (others.length > 0 || before.length > 0) view.dispatch({ effects: setRemoteCursors.of(others) });
  }

  function applyDiagnostics(): void {
    if (!waiting || waiting.revision > text.revision) return;
    const { list, revision } = waiting;
    waiting = null;
    showDiagnostics(view, list, (position, side) => text.toLocal(revision, position, side));
  }

  const stopText = text.listen((remote) => {
    if (remote) {
      view.dispatch({
        changes: remote,
        annotations: [fromText.of(true), Transaction.addToHistory.of(false), Transaction.remote.of(true)],
        filter: false,
      });
      if (!view.state.doc.eq(text.doc)) adopt(view, text);
    }
    // The own place in confirmed coordinates changes with every confirmed edit.
    if (view.hasFocus) reportSoon();
    applyDiagnostics();
  });
  const stopPresence = store.watchPresence(showOthers);
  showOthers();
  applyDiagnostics();

  function setLanguage(next: string): void {
    current = next;
    view.dispatch({ effects: language.reconfigure(languageExtensions(next)) });
    if (loadedLanguage(next)) return;
    void loadLanguage(next).then((loaded) => {
      if (loaded && !destroyed && current === next) view.dispatch({ effects: language.reconfigure(languageExtensions(next)) });
    });
  }
  if (!loadedLanguage(current)) setLanguage(current);

  return {
    view,
    focus(atEnd = false) {
      if (atEnd) view.dispatch({ selection: EditorSelection.cursor(view.state.doc.length) });
      view.focus();
    },
    destroy() {
      if (view.hasFocus) store.reportPresence(null, text.revision, []);
      destroyed = true;
      clearTimeout(presenceTimer);
      stopText();
      stopPresence();
      view.destroy();
    },
    setDiagnostics(list, revision) {
      waiting = { list, revision };
      applyDiagnostics();
    },
    setLanguage,
  };
}

/** The editor that told the others last where this user is. */
let reporting: EditorView | null = null;

function basics(language: string): Extension {
  return [
    language === "markdown" ? EditorView.lineWrapping : [lineNumbers(), highlightActiveLineGutter(), highlightActiveLine()],
    highlightSpecialChars(),
    history(),
    drawSelection(),
    dropCursor(),
    EditorState.allowMultipleSelections.of(true),
    EditorState.tabSize.of(4),
    indentOnInput(),
    bracketMatching(),
    closeBrackets(),
    rectangularSelection(),
    crosshairCursor(),
    highlightSelectionMatches(),
    search({ top: true }),
    syntaxHighlighting(codeColors),
    cellTheme,
  ];
}

function languageExtensions(language: string): Extension {
  return [indentUnit.of(" ".repeat(indentationOf(language))), extensionOf(loadedLanguage(language))];
}

/** Makes the editor show the text when both went apart; the text counts, since it is what was sent. */
function adopt(view: EditorView, text: CellText): void {
  const all = ChangeSet.of({ from: 0, to: view.state.doc.length, insert: text.doc }, view.state.doc.length);
  view.dispatch({ changes: all, annotations: [fromText.of(true), Transaction.addToHistory.of(false)], filter: false });
}
