import type { Commands } from "./commands";
import { SetupCell, type PageState } from "./page-state.svelte";

/** How long the first key of a pair waits for the second, in milliseconds. */
const pairWithin = 1000;

/** K1–K3 and K6: keys of navigation mode, and those that hold in both modes. */
export function keyboard(page: PageState, commands: Commands): () => void {
  let first: { key: string; at: number } | null = null;

  function both(event: KeyboardEvent): void {
    if (blocked(event)) return;
    const mod = event.ctrlKey || event.metaKey;
    if (mod && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "s") return take(event, () => commands.save());
    if (event.defaultPrevented || event.key !== "Enter" || event.altKey || page.store.readOnly || inField(event)) return;
    if (mod && event.shiftKey) return take(event, () => commands.runOutdated(page.focused));
    if (page.focused === null) return;
    if (mod) return take(event, () => commands.runCurrent());
    if (event.shiftKey) take(event, () => commands.runAndGoOn());
  }

  function navigation(event: KeyboardEvent): void {
    if (blocked(event) || event.defaultPrevented) return;
    const inEditor = (event.target as Element).closest?.(".cm-editor") != null;
    if (inEditor || inField(event) || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const onControl = (event.target as Element).closest?.("button, a, summary, [role='tab']") != null;
    if (onControl && (event.key === "Enter" || event.key === " ")) return;

    const pair = first && Date.now() - first.at < pairWithin ? first.key + event.key : event.key;
    const action = (pair.length > 1 ? actions[pair] : undefined) ?? actions[event.key];
    first = null;
    if (action) take(event, action);
    else if (pairs.has(event.key)) first = { key: event.key, at: Date.now() };
  }

  const go = (offset: number) => () => {
    const next = page.neighbour(offset);
    if (next !== null) void page.focus(next);
  };
  const current = (work: (cell: string) => void) => () => {
    if (page.focused !== null) work(page.focused);
  };
  const writing = (work: () => void) => () => {
    if (!page.store.readOnly) work();
  };
  const edit = current((cell) => void page.focus(cell, { insert: true, scroll: false }));

  const actions: Record<string, (() => void) | undefined> = {
    j: go(1),
    k: go(-1),
    i: writing(edit),
    Enter: writing(edit),
    J: writing(current((cell) => void commands.move(cell, 1))),
    K: writing(current((cell) => void commands.move(cell, -1))),
    n: writing(() => commands.insertBeside("below", "code")),
    N: writing(() => commands.insertBeside("above", "code")),
    m: writing(() => commands.insertBeside("below", "markdown")),
    M: writing(() => commands.insertBeside("above", "markdown")),
    dd: writing(
      current((cell) => {
        if (cell !== SetupCell) void commands.delete(cell);
      }),
    ),
    c: current((cell) => commands.toggleCollapsed(page.cell(cell)?.section ?? "")),
    C: () => commands.toggleAllCollapsed(),
    ee: writing(() => commands.runCurrent()),
    es: writing(current((cell) => commands.runSection(page.cell(cell)?.section ?? ""))),
    ea: writing(() => commands.runOutdated()),
    ex: writing(current((cell) => commands.cancel(cell))),
    "00": writing(() => commands.restart()),
    so: () => (page.left = page.left === "outline" ? null : "outline"),
    sf: () => (page.left = page.left === "files" ? null : "files"),
    ss: () => (page.left = page.left === "secrets" ? null : "secrets"),
    sb: () => (page.left = page.left === "bin" ? null : "bin"),
    sr: () => (page.right = page.right === "runtime" ? null : "runtime"),
    su: () => (page.right = page.right === "people" ? null : "people"),
    "?": () => (page.dialog = "help"),
  };
  const pairs = new Set(Object.keys(actions).filter((keys) => keys.length === 2).map((keys) => keys[0]!));

  window.addEventListener("keydown", both);
  window.addEventListener("keydown", navigation);
  return () => {
    window.removeEventListener("keydown", both);
    window.removeEventListener("keydown", navigation);
  };
}

function take(event: KeyboardEvent, action: () => void): void {
  event.preventDefault();
  event.stopPropagation();
  action();
}

/** A dialog or menu is open, or an input method is composing: the keys are not ours. */
function blocked(event: KeyboardEvent): boolean {
  return event.isComposing || document.querySelector("dialog[open], [popover]:popover-open") !== null;
}

/** Typing somewhere that is not a cell's editor. */
function inField(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement;
  if (target.closest?.(".cm-editor")) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}
