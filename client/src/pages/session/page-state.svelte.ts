import { createContext, tick } from "svelte";
import { SvelteSet } from "svelte/reactivity";
import type { CellView, Diagnostic, SectionView } from "../../protocol";
import { isCode, isOutdated, shapeOf, type Shape } from "./cell-state";
import { Uploads } from "./files/uploads.svelte";
import type { NotebookStore } from "./notebook-store";

export const SetupSection = "setup-section";
export const SetupCell = "setup";

export type LeftPanel = "outline" | "files" | "secrets" | "bin";
export type RightPanel = "runtime" | "people";
export type PageDialog = "help" | "file";

/** What a mounted editor can be asked. */
export interface EditorHandle {
  focus(): void;
  revealLine(line: number): void;
  setDiagnostics(list: readonly Diagnostic[], revision: number): void;
}

/** What belongs to this page and nobody else: which cell is current, what is folded, which panels are open. */
export class PageState {
  focused = $state<string | null>(null);
  inserting = $state(false);
  left = $state<LeftPanel | null>("outline");
  right = $state<RightPanel | null>("runtime");
  dialog = $state<PageDialog | null>(null);
  /** A secret that code of a cell asked for and does not have: the panel offers it. */
  wanted = $state<{ secret: string; cell: string } | null>(null);
  /** Section whose name is being edited. */
  renaming = $state<string | null>(null);
  /** Section about which the delete dialog asks. */
  deleting = $state<string | null>(null);
  readonly collapsed = new SvelteSet<string>();
  readonly editors = new Map<string, EditorHandle>();

  readonly uploads: Uploads;

  constructor(readonly store: NotebookStore) {
    this.uploads = new Uploads(store.id);
  }

  /** Ids of all cells from top to bottom. */
  readonly cells: readonly string[] = $derived.by(() => {
    const view = this.store.view;
    return view ? view.sectionOrder.flatMap((section) => view.sections[section]?.cells ?? []) : [];
  });

  /** Those that can be gone to: not in a collapsed section. */
  readonly visible: readonly string[] = $derived(this.cells.filter((cell) => !this.collapsed.has(this.cell(cell)?.section ?? "")));

  readonly outdated: readonly string[] = $derived(this.cells.filter((id) => this.cell(id) && isOutdated(this.cell(id)!)));

  /** Code cells by state. */
  readonly byShape: ReadonlyMap<Shape, readonly string[]> = $derived.by(() => {
    const groups = new Map<Shape, string[]>();
    for (const id of this.cells) {
      const cell = this.cell(id);
      if (!cell || !isCode(cell)) continue;
      const shape = shapeOf(cell);
      groups.set(shape, [...(groups.get(shape) ?? []), id]);
    }
    return groups;
  });

  readonly busy: boolean = $derived((this.byShape.get("running")?.length ?? 0) + (this.byShape.get("queued")?.length ?? 0) > 0);

  cell(id: string): CellView | undefined {
    return this.store.view?.cells[id];
  }

  section(id: string): SectionView | undefined {
    return this.store.view?.sections[id];
  }

  /** "Load traces, cell 2": a cell as people call it. */
  nameOf(id: string): string {
    const cell = this.cell(id);
    if (!cell) return "a deleted cell";
    if (cell.section === SetupSection) return "Setup";
    const section = this.section(cell.section);
    return `${section?.name ?? "Section"}, cell ${(section?.cells.indexOf(id) ?? 0) + 1}`;
  }

  /** Makes a cell the current one, in navigation mode unless told otherwise. */
  async focus(id: string | null, options: { insert?: boolean; scroll?: boolean } = {}): Promise<void> {
    this.focused = id;
    this.inserting = options.insert ?? false;
    if (id === null) return;
    const section = this.cell(id)?.section;
    if (section) this.collapsed.delete(section);
    await tick();
    const element = elementOf(id);
    if (!element) return;
    if (options.scroll ?? true) element.scrollIntoView({ block: "nearest" });
    if (this.inserting) this.editors.get(id)?.focus();
    else element.focus({ preventScroll: true });
  }

  async jump(id: string, line: number | null): Promise<void> {
    await this.focus(id, { insert: line !== null, scroll: false });
    elementOf(id)?.scrollIntoView({ block: "center" });
    if (line !== null) this.editors.get(id)?.revealLine(line);
  }

  /** The cell `offset` steps away in the visible order. */
  neighbour(offset: number): string | null {
    const at = this.focused === null ? -1 : this.visible.indexOf(this.focused);
    if (at === -1) return this.visible[offset > 0 ? 0 : this.visible.length - 1] ?? null;
    return this.visible[at + offset] ?? null;
  }
}

export function elementOf(cell: string): HTMLElement | null {
  return document.getElementById(`cell-${cell}`);
}

/** Address of a cell or section on this page. */
export function linkTo(id: string): string {
  return `${location.origin}${location.pathname}#${id}`;
}

export const [getPage, setPage] = createContext<PageState>();
