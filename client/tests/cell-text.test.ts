import { ChangeSet, EditorState, Text } from "@codemirror/state";
import { collab, receiveUpdates, sendableUpdates } from "@codemirror/collab";
import { describe, expect, it } from "vitest";
import { CellText } from "../src/session/cell-text.svelte";
import { randomFrom } from "./authority";

const insert = (length: number, at: number, text: string) => ChangeSet.of({ from: at, insert: text }, length);

function randomChange(random: () => number, length: number): ChangeSet {
  const from = Math.floor(random() * (length + 1));
  const to = random() < 0.5 ? from : Math.min(length, from + Math.floor(random() * 4));
  const text = random() < 0.3 ? "" : ["a", "b\n", "😀", "\ude03", "xy"][Math.floor(random() * 5)]!;
  return ChangeSet.of({ from, to, insert: text }, length);
}

describe("a cell's text", () => {
  it("does what CodeMirror's own collaboration does, one update at a time", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = randomFrom(seed);
      const text = new CellText("c", "me", 0, "some text");
      let state = EditorState.create({ doc: "some text", extensions: collab({ clientID: "me" }) });
      let server = Text.of(["some text"]);
      let mine: ChangeSet[] = [];
      for (let step = 0; step < 30; step++) {
        const dice = random();
        if (dice < 0.4) {
          const changes = randomChange(random, state.doc.length);
          text.edit(changes);
          state = state.update({ changes }).state;
          // Each is sent at once, so that units are CodeMirror's.
          if (text.lastPending) text.pendingUpTo(text.lastPending);
          mine = sendableUpdates(state).map((update) => update.changes);
        } else {
          const own = dice > 0.8 && mine.length > 0;
          const changes = own ? mine[0]! : randomChange(random, server.length);
          const editor = own ? "me" : "other";
          text.receive(editor, JSON.parse(JSON.stringify(changes)));
          state = receiveUpdates(state, [{ changes, clientID: editor }]).state;
          server = changes.apply(server);
          mine = sendableUpdates(state).map((update) => update.changes);
        }
        expect(text.doc.toString()).toBe(state.doc.toString());
      }
    }
  });

  it("sends what was typed between two submissions as one change", () => {
    const text = new CellText("c", "me", 3, "");
    text.edit(insert(0, 0, "a"));
    text.edit(insert(1, 1, "b"));
    expect(text.pendingUpTo(text.lastPending!)).toEqual([[[0, "ab"]]]);
    text.edit(insert(2, 2, "c"));
    expect(text.pendingUpTo(text.lastPending!)).toEqual([[[0, "ab"]], [2, [0, "c"]]]);
  });

  it("keeps pending edits over a text that came whole", () => {
    const text = new CellText("c", "me", 0, "one\ntwo");
    text.edit(insert(7, 7, "!"));
    text.replace(600, "zero\none\ntwo", 50);
    expect(text.doc.toString()).toBe("zero\none\ntwo!");
    expect(text.pendingUpTo(text.lastPending!)).toEqual([[12, [0, "!"]]]);
  });

  it("does not repeat what a whole text holds already", () => {
    const text = new CellText("c", "me", 0, "one");
    text.edit(insert(3, 3, " two"));
    const last = text.lastPending!;
    text.pendingUpTo(last);
    text.edit(insert(7, 7, " three"));
    text.replace(600, "one two", 50);
    text.accepted(last, 40);
    expect(text.doc.toString()).toBe("one two three");
    expect(text.pendingUpTo(text.lastPending!)).toEqual([[7, [0, " three"]]]);
  });

  it("keeps what the server claims to have but has not", () => {
    const text = new CellText("c", "me", 0, "one");
    text.edit(insert(3, 3, " lost"));
    const last = text.lastPending!;
    text.pendingUpTo(last);
    text.replace(600, "one", 50);
    text.accepted(last, 40);
    expect(text.doc.toString()).toBe("one lost");
    expect(text.overdue(50)).toBe(true);
  });

  it("takes the server's form of an own edit when both differ", () => {
    const text = new CellText("c", "me", 0, "ab");
    text.edit(insert(2, 1, "X"));
    text.pendingUpTo(text.lastPending!);
    text.receive("me", [2, [0, "X"]]);
    expect(text.doc.toString()).toBe("abX");
    expect(text.hasPending).toBe(false);
  });

  it("carries half a surrogate pair", () => {
    const text = new CellText("c", "me", 0, "a😀b");
    text.edit(ChangeSet.of({ from: 2, to: 3, insert: "\ude03" }, 4));
    const [sent] = text.pendingUpTo(text.lastPending!)!;
    const wire = JSON.stringify(sent);
    expect(wire).toBe('[2,[1,"\\ude03"],1]');
    expect(ChangeSet.fromJSON(JSON.parse(wire)).apply(Text.of(["a😀b"])).toString()).toBe("a😃b");
    text.receive("me", JSON.parse(wire));
    expect(text.doc.toString()).toBe("a😃b");
  });

  it("finds places of other revisions", () => {
    const text = new CellText("c", "me", 0, "abc");
    text.receive("other", [[0, "xx"], 3]);
    text.edit(insert(5, 0, "y"));
    expect(text.toLocal(0, 1, 1)).toBe(4);
    expect(text.toLocal(1, 3, 1)).toBe(4);
    expect(text.toLocal(2, 0, 1)).toBeNull();
    expect(text.toConfirmed(4)).toBe(3);
  });

  it("refuses an update of another length", () => {
    const text = new CellText("c", "me", 0, "abc");
    expect(() => text.receive("other", [2, [0, "x"]])).toThrow(RangeError);
  });
});
