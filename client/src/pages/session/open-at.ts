import { elementOf, SetupSection, type PageState } from "./page-state.svelte";

/** Where a page opens: at the cell or section of its address; a new notebook in its only, empty cell (M2). */
export function openAt(page: PageState, hash: string): void {
  const view = page.store.view;
  if (!view) return;
  const wanted = decodeURIComponent(hash.slice(1));
  const cell = wanted.startsWith("cell-") ? wanted.slice("cell-".length) : null;
  if (cell !== null && view.cells[cell]) {
    void page.focus(cell).then(() => elementOf(cell)?.scrollIntoView({ block: "start" }));
    return;
  }
  if (wanted) {
    requestAnimationFrame(() => document.getElementById(wanted)?.scrollIntoView());
    return;
  }
  const sections = view.sectionOrder.filter((section) => section !== SetupSection);
  const only = sections.length === 1 ? view.sections[sections[0]!]?.cells : undefined;
  if (only?.length === 1 && view.cells[only[0]!]?.kind === "code" && page.store.text(only[0]!) === "") {
    void page.focus(only[0]!, { insert: true, scroll: false });
  }
}
