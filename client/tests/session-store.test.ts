import { ChangeSet } from "@codemirror/state";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SessionStore } from "../src/session/session-store.svelte";
import type { ClientMessage } from "../src/protocol";
import { Authority, type Line, randomFrom } from "./authority";

const stores: SessionStore[] = [];

/** A page of the session and the newest of its sockets. */
class Page {
  readonly store: SessionStore;
  line!: Line;

  constructor(authority: Authority) {
    this.store = new SessionStore("s", {
      socket: () => {
        const socket = authority.open();
        this.line = authority.lines[authority.lines.length - 1]!;
        return socket;
      },
      loggedIn: () => Promise.resolve(true),
    });
    stores.push(this.store);
  }

  static joined(authority: Authority): Page {
    const page = new Page(authority);
    page.line.accept();
    page.line.settle();
    return page;
  }

  type(cell: string, at: number, text: string, remove = 0): void {
    const doc = this.store.cellText(cell)!;
    doc.edit(ChangeSet.of({ from: at, to: at + remove, insert: text }, doc.doc.length));
    this.store.edited(cell);
  }

  reconnect(): void {
    vi.advanceTimersByTime(1_000);
    this.line.accept();
    this.line.settle();
  }

  sent(): ClientMessage[] {
    return this.line.toServer.map((text) => JSON.parse(text) as ClientMessage).filter((message) => message.type !== "ping");
  }
}

/** Everybody comes back, and everything is delivered. */
function finish(pages: Page[]): void {
  for (let i = 0; i < 20; i++) {
    vi.advanceTimersByTime(1_000);
    for (const page of pages) {
      if (!page.line.joined && page.store.connection.state !== "live") page.line.accept();
      page.line.settle();
    }
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  for (const store of stores.splice(0)) store.dispose();
  const timers = vi.getTimerCount();
  vi.useRealTimers();
  expect(timers).toBe(0);
});

describe("a session on a page", () => {
  it("shows view and text after the join", () => {
    const page = Page.joined(new Authority({ a: "text" }));
    expect(page.store.connection.state).toBe("live");
    expect(page.store.view?.name).toBe("Notebook");
    expect(page.store.text("a")).toBe("text");
    expect(page.store.connection.roundTripMs).not.toBeNull();
  });

  it("applies the stream of others", () => {
    const authority = new Authority({ a: "" });
    const [one, two] = [Page.joined(authority), Page.joined(authority)];
    one.type("a", 0, "hello");
    void one.store.submit({ op: "rename_notebook", name: "New" });
    one.line.settle();
    two.line.settle();
    expect(two.store.text("a")).toBe("hello");
    expect(two.store.view?.name).toBe("New");
    expect(one.store.connection.waiting).toBe(0);
  });

  it("sends text that was typed before an operation before it", () => {
    const authority = new Authority({ a: "" });
    const page = Page.joined(authority);
    page.type("a", 0, "1");
    page.type("a", 1, "2");
    void page.store.submit({ op: "evaluate", cells: ["a"] });
    page.type("a", 2, "3");
    page.line.settle();
    expect(authority.log).toEqual(["edit_text", "edit_text", "evaluate", "edit_text"]);
    expect(authority.textOf("a")).toBe("123");
  });

  it("answers submissions with version or reason", async () => {
    const authority = new Authority({ a: "" });
    authority.refuse = (operation) => (operation.op === "save" ? "there is no file" : null);
    const page = Page.joined(authority);
    const answers = Promise.all([page.store.submit({ op: "rename_notebook", name: "x" }), page.store.submit({ op: "save" })]);
    page.line.settle();
    expect(await answers).toEqual([
      { ok: true, version: 1 },
      { ok: false, reason: "there is no file" },
    ]);
    expect(page.store.refusals.map((refusal) => refusal.reason)).toEqual(["there is no file"]);
    page.store.dismissRefusal(page.store.refusals[0]!.id);
    expect(page.store.refusals).toEqual([]);
  });

  it("sends everything again in order when the answers were lost, and it happens once", async () => {
    const authority = new Authority({ a: "" });
    const page = Page.joined(authority);
    page.type("a", 0, "x");
    const renamed = page.store.submit({ op: "rename_notebook", name: "One" });
    while (page.line.up());
    page.line.cut();
    expect(page.store.connection.state).toBe("reconnecting");
    page.type("a", 1, "y");
    void page.store.submit({ op: "rename_notebook", name: "Two" });
    expect(page.store.connection.waiting).toBeGreaterThan(0);
    expect(page.store.connection.oldestWaitingSince).not.toBeNull();
    page.reconnect();
    expect((await renamed).ok).toBe(true);
    expect(authority.log).toEqual(["edit_text", "rename_notebook", "edit_text", "rename_notebook"]);
    expect(authority.textOf("a")).toBe("xy");
    expect(page.store.text("a")).toBe("xy");
    expect(page.store.view?.name).toBe("Two");
    expect(page.store.connection.waiting).toBe(0);
  });

  it("sends everything again when the requests were lost", () => {
    const authority = new Authority({ a: "" });
    const page = Page.joined(authority);
    page.type("a", 0, "x");
    void page.store.submit({ op: "rename_notebook", name: "One" });
    page.line.cut();
    page.reconnect();
    expect(authority.log).toEqual(["edit_text", "rename_notebook"]);
    expect(page.store.text("a")).toBe("x");
  });

  it("continues without a view when it missed nothing", () => {
    const authority = new Authority({ a: "text" });
    const page = Page.joined(authority);
    const view = page.store.view;
    page.line.cut();
    page.reconnect();
    expect(page.store.connection.state).toBe("live");
    expect(page.store.view).toBe(view);
  });

  it("ignores entries that come twice", () => {
    const authority = new Authority({ a: "" });
    const page = Page.joined(authority);
    authority.publish([{ k: "p", ops: [["s", ["name"], "New"]] }]);
    page.line.toPage.push(page.line.toPage[0]!);
    page.line.settle();
    expect(page.store.view?.name).toBe("New");
    expect(page.store.connection.state).toBe("live");
    expect(page.sent()).toEqual([]);
  });

  it("joins again after a gap and has everything", () => {
    const authority = new Authority({ a: "" });
    const [one, two] = [Page.joined(authority), Page.joined(authority)];
    one.type("a", 0, "lost");
    one.line.settle();
    two.line.toPage.length = 0;
    two.type("a", 0, "kept ");
    one.type("a", 4, "!");
    one.line.settle();
    two.line.settle();
    one.line.settle();
    two.line.settle();
    expect(two.store.text("a")).toBe(authority.textOf("a"));
    expect(two.store.text("a")).toContain("kept");
    expect(one.store.text("a")).toBe(two.store.text("a"));
  });

  it("joins again on a resync on the same socket", () => {
    const authority = new Authority({ a: "" });
    const page = Page.joined(authority);
    page.line.say({ type: "resync", reason: "moved" });
    page.type("a", 0, "x");
    page.line.toServer.length = 0;
    page.line.settle();
    expect(authority.textOf("a")).toBe("x");
    expect(page.store.connection.waiting).toBe(0);
  });

  it("goes on at another owner with edits that were not answered", () => {
    const authority = new Authority({ a: "one" });
    const page = Page.joined(authority);
    page.type("a", 3, " two");
    authority.failOver();
    page.type("a", 7, " three");
    page.reconnect();
    expect(authority.textOf("a")).toBe("one two three");
    expect(page.store.text("a")).toBe("one two three");
  });

  it("rejoins when entries come from another epoch", () => {
    const authority = new Authority({ a: "" });
    const page = Page.joined(authority);
    authority.epoch = 2;
    authority.publish([{ k: "p", ops: [["s", ["name"], "x"]] }]);
    authority.name = "After";
    page.line.settle();
    expect(page.store.view?.name).toBe("After");
  });

  it("brings pending edits over a text that it is too far behind", () => {
    const authority = new Authority({ a: "base" });
    authority.historyLength = 3;
    const [one, two] = [Page.joined(authority), Page.joined(authority)];
    two.line.cut();
    two.type("a", 4, " mine");
    for (let i = 0; i < 10; i++) {
      one.type("a", 0, "z");
      one.line.settle();
    }
    two.reconnect();
    one.line.settle();
    expect(authority.textOf("a")).toBe("zzzzzzzzzzbase mine");
    expect(two.store.text("a")).toBe("zzzzzzzzzzbase mine");
    expect(one.store.text("a")).toBe("zzzzzzzzzzbase mine");
  });

  it("does not type twice what was accepted before it fell too far behind", () => {
    const authority = new Authority({ a: "base" });
    authority.historyLength = 3;
    const [one, two] = [Page.joined(authority), Page.joined(authority)];
    two.type("a", 4, " mine");
    while (two.line.up());
    two.line.cut();
    one.line.settle();
    for (let i = 0; i < 10; i++) {
      one.type("a", 0, "z");
      one.line.settle();
    }
    two.reconnect();
    expect(authority.textOf("a")).toBe("zzzzzzzzzzbase mine");
    expect(two.store.text("a")).toBe("zzzzzzzzzzbase mine");
    expect(two.store.connection.waiting).toBe(0);
  });

  it("loads a text whole once when its edits are refused, then offers what it cannot bring", () => {
    const authority = new Authority({ a: "base" });
    const page = Page.joined(authority);
    let refusals = 0;
    authority.refuse = (operation) => (operation.op === "edit_text" ? `no ${++refusals}` : null);
    page.type("a", 4, " unwanted");
    page.line.settle();
    expect(refusals).toBe(2);
    expect(page.store.orphans).toEqual([{ cell: "a", text: "base unwanted" }]);
    expect(page.store.text("a")).toBe("base");
    expect(page.store.connection.waiting).toBe(0);
    authority.refuse = null;
    page.type("a", 4, "!");
    page.line.settle();
    expect(authority.textOf("a")).toBe("base!");
    page.store.dismissOrphan(page.store.orphans[0]!);
    expect(page.store.orphans).toEqual([]);
  });

  it("offers unsent text of a cell that was deleted meanwhile", () => {
    const authority = new Authority({ a: "base" });
    const [one, two] = [Page.joined(authority), Page.joined(authority)];
    two.type("a", 4, " mine");
    void one.store.submit({ op: "delete_cell", cell: "a" });
    one.line.settle();
    two.line.settle();
    expect(two.store.orphans).toEqual([{ cell: "a", text: "base mine" }]);
    expect(two.store.connection.waiting).toBe(0);
    expect(two.store.cellText("a")).toBeUndefined();
  });

  it("keeps edits while nothing can be changed", () => {
    const authority = new Authority({ a: "base" });
    const page = Page.joined(authority);
    const condition = { type: "condition", ownerReachable: true, node: "a", owner: "a", standby: null, message: null } as const;
    page.line.say({ ...condition, status: "minority" });
    page.line.settle();
    expect(page.store.readOnly).toBe(true);
    page.type("a", 4, "!");
    expect(page.sent()).toEqual([]);
    expect(page.store.connection.waiting).toBe(1);
    page.line.say({ ...condition, status: "member" });
    page.line.settle();
    expect(page.store.readOnly).toBe(false);
    expect(authority.textOf("a")).toBe("base!");
  });

  it("gives up when the session is gone, and offers what was not sent", async () => {
    const page = Page.joined(new Authority({ a: "base" }));
    page.line.toServer.length = 0;
    page.type("a", 4, "!");
    const answer = page.store.submit({ op: "save" });
    page.line.say({ type: "gone", reason: "closed by Ada" });
    page.line.down();
    expect(page.store.connection).toMatchObject({ state: "gone", goneReason: "closed by Ada", waiting: 0 });
    expect(await answer).toEqual({ ok: false, reason: "closed by Ada" });
    expect(page.store.orphans).toEqual([{ cell: "a", text: "base!" }]);
    expect(page.store.readOnly).toBe(true);
  });

  it("starts again from a whole state when the stream does not fit", () => {
    const error = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const authority = new Authority({ a: "base" });
    const page = Page.joined(authority);
    page.type("a", 4, "!");
    page.line.toServer.length = 0;
    authority.publish([{ k: "t", cell: "a", editor: "x", changes: [99, [0, "?"]] }]);
    page.line.settle();
    expect(error).toHaveBeenCalled();
    expect(page.store.text("a")).toBe("base!");
    expect(authority.textOf("a")).toBe("base!");
    error.mockRestore();
  });

  it("knows who is where", () => {
    const page = Page.joined(new Authority({ a: "" }));
    const ada = { name: "Ada", color: "3", cell: "a", revision: 0, ranges: [] };
    page.line.say({ type: "presence", clients: { other: ada, [page.store.self]: ada } });
    page.line.settle();
    expect(page.store.presenceOf("a")).toEqual([{ client: "other", ...ada }]);
    page.line.say({ type: "presence", clients: { other: null } });
    page.line.settle();
    expect(page.store.presenceOf("a")).toEqual([]);
  });

  it("makes ids of 16 letters and digits", () => {
    const page = Page.joined(new Authority());
    expect(page.store.newId()).toMatch(/^[a-z0-9]{16}$/);
    expect(page.store.newId()).not.toBe(page.store.newId());
  });

  it("brings every character exactly once, however often connections break", () => {
    for (let round = 0; round < 30; round++) {
      const random = randomFrom(9000 + round);
      const pick = (count: number) => Math.floor(random() * count);
      const authority = new Authority({ a: "" });
      if (round % 2 === 1) authority.historyLength = 4;
      const pages = [Page.joined(authority), Page.joined(authority), Page.joined(authority)];
      let typed = 0;
      for (let step = 0; step < 400; step++) {
        const page = pages[pick(pages.length)]!;
        const dice = random();
        if (dice < 0.3) page.type("a", pick(page.store.text("a").length + 1), String.fromCharCode(0x4e00 + typed++));
        else if (dice < 0.6) page.line.up();
        else if (dice < 0.88) page.line.down();
        else if (dice < 0.92) void page.store.submit({ op: "save" });
        else if (dice < 0.96) page.line.cut();
        else {
          vi.advanceTimersByTime(5_000);
          if (page.line.alive && !page.line.joined) page.line.accept();
        }
      }
      finish(pages);
      expect([...authority.textOf("a")].sort()).toEqual(Array.from({ length: typed }, (_, i) => String.fromCharCode(0x4e00 + i)));
      for (const page of pages) expect(page.store.text("a")).toBe(authority.textOf("a"));
      for (const store of stores.splice(0)) store.dispose();
    }
  });

  it.each([1, 2, 3, 4])("agrees with the others whatever the network does (%i)", (group) => {
    for (let round = 0; round < 15; round++) {
      const random = randomFrom(group * 1000 + round);
      const pick = (count: number) => Math.floor(random() * count);
      const authority = new Authority({ a: "start of a", b: "start\nof b" });
      if (group >= 3) authority.historyLength = 5;
      const pages = [Page.joined(authority), Page.joined(authority), Page.joined(authority)];
      for (let step = 0; step < 300; step++) {
        const page = pages[pick(pages.length)]!;
        const cell = pick(2) === 0 ? "a" : "b";
        const dice = random();
        if (dice < 0.3) {
          const length = page.store.text(cell).length;
          const at = pick(length + 1);
          page.type(cell, at, ["x", "yz", "\n", "😀", "\ud83d", ""][pick(6)]!, Math.min(length - at, pick(3)));
        } else if (dice < 0.6) page.line.up();
        else if (dice < 0.9) page.line.down();
        else if (dice < 0.94) void page.store.submit({ op: "rename_notebook", name: `n${step}` });
        else if (dice < 0.96) page.line.cut();
        else if (dice < 0.99) {
          vi.advanceTimersByTime(5_000);
          if (page.line.alive && !page.line.joined) page.line.accept();
        } else if (group % 2 === 0) authority.failOver();
      }
      finish(pages);
      for (const page of pages) {
        expect(page.store.connection.waiting).toBe(0);
        expect(page.store.orphans).toEqual([]);
        expect(page.store.view?.name).toBe(authority.name);
        for (const cell of ["a", "b"]) expect(page.store.text(cell)).toBe(authority.textOf(cell));
      }
      for (const store of stores.splice(0)) store.dispose();
    }
  });
});
