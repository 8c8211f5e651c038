import type { Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";

/** Files that are pasted or dropped into an editor go to `take`; what it answers is inserted where they were put. */
export function droppedFiles(take: (files: readonly File[]) => Promise<string>, mayWrite: () => boolean): Extension {
  const put = (view: EditorView, files: readonly File[], at: number) => {
    let place = at;
    // Others type meanwhile: the place moves with the text.
    tracked.set(view, { get: () => place, map: (position) => (place = position) });
    void take(files).then((text) => {
      tracked.delete(view);
      if (text === "" || !view.dom.isConnected) return;
      const to = Math.min(place, view.state.doc.length);
      view.dispatch({ changes: { from: to, insert: text }, selection: { anchor: to + text.length }, userEvent: "input.paste" });
    });
  };
  return [
    EditorView.updateListener.of((update) => {
      const place = tracked.get(update.view);
      if (place && update.docChanged) place.map(update.changes.mapPos(place.get(), 1));
    }),
    EditorView.domEventHandlers({
      paste(event, view) {
        const files = [...(event.clipboardData?.files ?? [])];
        if (files.length === 0 || !mayWrite()) return false;
        event.preventDefault();
        put(view, files, view.state.selection.main.head);
        return true;
      },
      drop(event, view) {
        const files = [...(event.dataTransfer?.files ?? [])];
        if (files.length === 0 || !mayWrite()) return false;
        event.preventDefault();
        put(view, files, view.posAtCoords({ x: event.clientX, y: event.clientY }) ?? view.state.selection.main.head);
        return true;
      },
    }),
  ];
}

const tracked = new WeakMap<EditorView, { get(): number; map(position: number): void }>();
