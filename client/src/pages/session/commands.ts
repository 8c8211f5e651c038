import { createContext } from "svelte";
import { plural } from "../../components/format";
import { toasts } from "../../components/toasts.svelte";
import type { ClientOperation } from "../../protocol";
import type { Orphan } from "../../session/text-sync";
import { isCode } from "./cell-state";
import { linkTo, SetupCell, SetupSection, type PageState } from "./page-state.svelte";

/** Everything the page can ask of a session, by menu, button or key. Refusals come back as notices through the store. */
export class Commands {
  constructor(private readonly page: PageState) {}

  run(cell: string): void {
    this.submit({ op: "evaluate", cells: [cell] });
  }

  /** Runs the current cell; of a text cell, ends its editing. */
  runCurrent(): void {
    const id = this.page.focused;
    const cell = id === null ? undefined : this.page.cell(id);
    if (!cell) return;
    if (isCode(cell)) this.run(id!);
    else void this.page.focus(id, { scroll: false });
  }

  /** Runs the current cell and goes to the next one; behind the last, a new one. */
  runAndGoOn(): void {
    this.runCurrent();
    const next = this.page.neighbour(1);
    if (next !== null) void this.page.focus(next);
    else this.insertBeside("below", "code");
  }

  runSection(section: string): void {
    this.submit({ op: "evaluate", cells: [], scope: "section", section });
  }

  runOutdated(cell?: string | null): void {
    const current = cell ? this.page.cell(cell) : undefined;
    this.submit({ op: "evaluate", cells: cell && current && isCode(current) ? [cell] : [], scope: "outdated" });
  }

  runAll(): void {
    this.submit({ op: "evaluate", cells: [], scope: "all" });
  }

  cancel(cell: string | null): void {
    this.submit({ op: "cancel", cell });
  }

  restart(): void {
    this.submit({ op: "restart_runtime" });
  }

  disconnect(): void {
    this.submit({ op: "disconnect_runtime" });
  }

  erase(cell: string | null): void {
    this.submit({ op: "erase_outputs", cell });
  }

  save(): void {
    if (this.page.store.view?.file.path) this.submit({ op: "save" });
    else this.page.dialog = "file";
  }

  async insert(section: string, index: number | null, kind: "code" | "markdown"): Promise<void> {
    const cell = this.page.store.newId();
    const result = await this.submit({ op: "insert_cell", cell, section, index, kind });
    if (result.ok) await this.page.focus(cell, { insert: true });
  }

  /** Inserts beside the current cell; without one, at the end. */
  insertBeside(side: "above" | "below", kind: "code" | "markdown"): void {
    const view = this.page.store.view;
    const current = this.page.focused;
    const cell = current === null ? undefined : this.page.cell(current);
    if (!view) return;
    if (!cell || cell.section === SetupSection) {
      const regular = view.sectionOrder.filter((section) => section !== SetupSection);
      const section = cell ? regular[0] : regular.at(-1);
      if (section) void this.insert(section, cell ? 0 : null, kind);
      return;
    }
    const at = this.page.section(cell.section)?.cells.indexOf(current!) ?? 0;
    void this.insert(cell.section, side === "above" ? at : at + 1, kind);
  }

  async delete(cell: string): Promise<void> {
    if (cell === SetupCell) return;
    const at = this.page.visible.indexOf(cell);
    const next = this.page.visible[at + 1] ?? this.page.visible[at - 1] ?? null;
    const result = await this.submit({ op: "delete_cell", cell });
    if (!result.ok) return;
    if (this.page.focused === cell) await this.page.focus(next);
    toasts.show("Cell moved to the bin.", { action: { label: "Undo", run: () => void this.restore(cell) } });
  }

  async restore(cell: string): Promise<void> {
    const result = await this.submit({ op: "restore_cell", cell });
    if (result.ok) await this.page.focus(cell);
  }

  /** Makes a cell of text that could not be sent. */
  async keep(orphan: Orphan): Promise<void> {
    const view = this.page.store.view;
    const section = view?.sectionOrder.filter((id) => id !== SetupSection).at(-1);
    if (!section) return;
    const cell = this.page.store.newId();
    const result = await this.submit({ op: "insert_cell", cell, section, index: null, kind: view!.bin[orphan.cell]?.kind ?? "code", source: orphan.text });
    if (!result.ok) return;
    this.page.store.dismissOrphan(orphan);
    await this.page.focus(cell);
  }

  async move(cell: string, offset: number): Promise<void> {
    if (this.page.cell(cell)?.section === SetupSection) return;
    const result = await this.submit({ op: "move_cell", cell, offset });
    // Whoever has gone on to another cell meanwhile stays there.
    if (result.ok && this.page.focused === cell) await this.page.focus(cell);
  }

  async insertSection(after: string | null, index: number | null, branch = false): Promise<void> {
    const section = this.page.store.newId();
    const result = await this.submit({
      op: "insert_section",
      section,
      after,
      index,
      parent: branch ? this.branchParents(after, true).at(-1) : null,
    });
    if (result.ok) this.page.renaming = section;
  }

  /** Sections that can be branched from: regular ones above; `including` takes the section itself in as well. */
  branchParents(section: string | null, including = false): string[] {
    const view = this.page.store.view;
    if (!view) return [];
    const at = section === null ? view.sectionOrder.length : view.sectionOrder.indexOf(section) + (including ? 1 : 0);
    return view.sectionOrder.slice(0, at).filter((id) => id !== SetupSection && view.sections[id]?.parent === null);
  }

  hasBranches(section: string): boolean {
    return Object.values(this.page.store.view?.sections ?? {}).some((other) => other.parent === section);
  }

  /** Deletes a section; asks first when it has cells. */
  deleteSection(section: string): void {
    if (this.page.section(section)?.cells.length === 0) this.deleteSectionNow(section, true);
    else this.page.deleting = section;
  }

  deleteSectionNow(section: string, deleteCells: boolean): void {
    const count = this.page.section(section)?.cells.length ?? 0;
    void this.submit({ op: "delete_section", section, deleteCells }).then((result) => {
      if (result.ok && deleteCells && count > 0) toasts.show(`${plural(count, "cell")} moved to the bin.`);
    });
  }

  toggleCollapsed(section: string): void {
    if (section === SetupSection) return;
    if (!this.page.collapsed.delete(section)) this.page.collapsed.add(section);
  }

  toggleAllCollapsed(): void {
    const sections = this.page.store.view?.sectionOrder.filter((section) => section !== SetupSection) ?? [];
    if (sections.some((section) => !this.page.collapsed.has(section))) sections.forEach((section) => this.page.collapsed.add(section));
    else this.page.collapsed.clear();
  }

  async copyLink(id: string): Promise<void> {
    await navigator.clipboard.writeText(linkTo(id));
    toasts.show("The link is on the clipboard.");
  }

  submit(operation: ClientOperation) {
    return this.page.store.submit(operation);
  }
}

export const [getCommands, setCommands] = createContext<Commands>();
