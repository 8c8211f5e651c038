// @vitest-environment jsdom
import { undo } from "@codemirror/commands";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type CellEditor, createCellEditor } from "../src/editor/cell-editor";
import { SessionStore } from "../src/session/session-store.svelte";
import { Authority, type Line } from "./authority";

let authority: Authority;
let store: SessionStore;
let editor: CellEditor;
let readOnly = false;
const commands = { onEvaluate: vi.fn(), onEvaluateAndNext: vi.fn(), onEvaluateAll: vi.fn(), onEscape: vi.fn(), onMoveOut: vi.fn(), onFocus: vi.fn(), onBlur: vi.fn() };
const line = (): Line => authority.lines[authority.lines.length - 1]!;

function mount(): CellEditor {
  return createCellEditor(document.body, { store, cell: "a", language: "csharp", readOnly: () => readOnly, label: "Cell 1", ...commands });
}

beforeEach(() => {
  vi.useFakeTimers();
  readOnly = false;
  for (const command of Object.values(commands)) command.mockClear();
  authority = new Authority({ a: "one\ntwo" });
  store = new SessionStore("s", { socket: authority.open, loggedIn: () => Promise.resolve(true) });
  line().accept();
  line().settle();
  editor = mount();
});
afterEach(() => {
  editor.destroy();
  store.dispose();
  vi.useRealTimers();
});

const key = (name: string, init: KeyboardEventInit = {}) =>
  editor.view.contentDOM.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true, ...init }));

it("sends what is typed and shows what others type; undo takes back only the own", () => {
  editor.view.dispatch({ changes: { from: 0, insert: "mine " } });
  line().settle();
  authority.publish(authority.apply({ op: "edit_text", cell: "a", editor: "other", revision: 1, updates: [[12, [0, " theirs"]]] }) as never);
  line().settle();
  expect(editor.view.state.doc.toString()).toBe("mine one\ntwo theirs");
  undo(editor.view);
  line().settle();
  expect(authority.textOf("a")).toBe("one\ntwo theirs");
  expect(store.text("a")).toBe("one\ntwo theirs");
});

it("keeps pending edits when it is taken away", () => {
  line().toServer.length = 0;
  editor.view.dispatch({ changes: { from: 0, insert: "x" } });
  line().toServer.length = 0;
  editor.destroy();
  editor = mount();
  expect(editor.view.state.doc.toString()).toBe("xone\ntwo");
  expect(store.connection.waiting).toBe(1);
});

it("takes no edits while it is read only, but those of others", () => {
  readOnly = true;
  editor.view.dispatch({ changes: { from: 0, insert: "x" } });
  expect(editor.view.state.doc.toString()).toBe("one\ntwo");
  authority.publish(authority.apply({ op: "edit_text", cell: "a", editor: "other", revision: 0, updates: [[[0, "y"], 7]] }) as never);
  line().settle();
  expect(editor.view.state.doc.toString()).toBe("yone\ntwo");
});

it("knows its keys", () => {
  key("Enter", { ctrlKey: true });
  key("Enter", { shiftKey: true });
  key("Enter", { ctrlKey: true, shiftKey: true });
  key("Escape");
  key("ArrowUp");
  editor.view.dispatch({ selection: { anchor: 7 } });
  key("ArrowDown");
  expect(commands.onEvaluate).toHaveBeenCalledOnce();
  expect(commands.onEvaluateAndNext).toHaveBeenCalledOnce();
  expect(commands.onEvaluateAll).toHaveBeenCalledOnce();
  expect(commands.onEscape).toHaveBeenCalledOnce();
  expect(commands.onMoveOut.mock.calls).toEqual([[-1], [1]]);
  expect(editor.view.state.doc.toString()).toBe("one\ntwo");
});

it("shows the cursors of others and underlines what the compiler said", () => {
  line().say({ type: "presence", clients: { other: { name: "Ada", color: "3", cell: "a", revision: 0, ranges: [{ anchor: 0, head: 3 }] } } });
  line().settle();
  const cursor = editor.view.dom.querySelector<HTMLElement>(".cm-remote-cursor");
  expect(cursor?.dataset.name).toBe("Ada");
  expect(editor.view.dom.querySelector(".cm-remote-selection")?.textContent).toBe("one");
  editor.setDiagnostics([{ severity: "error", from: 4, to: 7, line: 2, code: "CS0103", message: "no two" }], 0);
  expect(editor.view.dom.querySelector(".cm-lintRange-error")?.textContent).toBe("two");
  expect(editor.view.dom.querySelector(".cm-line.cm-line-error")?.textContent).toBe("two");
});
