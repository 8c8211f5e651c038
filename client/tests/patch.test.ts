import { describe, expect, it } from "vitest";
import { applyPatch, type PatchOp } from "../src/session/patch";

function patched(value: unknown, ...ops: PatchOp[]): unknown {
  const root = { view: structuredClone(value) };
  applyPatch(root, "view", ops);
  return root.view;
}

describe("a patch", () => {
  it("sets, also null and new keys", () => {
    expect(patched({ a: { b: 1 } }, ["s", ["a", "b"], null], ["s", ["a", "c"], { d: [] }])).toEqual({ a: { b: null, c: { d: [] } } });
  });
  it("replaces the whole", () => expect(patched({ a: 1 }, ["s", [], { b: 2 }])).toEqual({ b: 2 }));
  it("deletes a key", () => expect(patched({ a: 1, b: 2 }, ["d", ["a"]])).toEqual({ b: 2 }));
  it("appends", () => expect(patched({ a: ["x"] }, ["a", ["a"], ["y", "z"]])).toEqual({ a: ["x", "y", "z"] }));
  it("appends more than a call may have arguments", () => {
    const items = Array.from({ length: 300_000 }, () => "x");
    expect((patched({ a: [] }, ["a", ["a"], items]) as { a: string[] }).a).toHaveLength(300_000);
  });
  it("splices", () => expect(patched({ a: [1, 2, 3, 4] }, ["x", ["a"], 1, 2, [9]])).toEqual({ a: [1, 9, 4] }));
  it("goes in order", () => expect(patched({}, ["s", ["a"], []], ["a", ["a"], [1]], ["x", ["a"], 0, 0, [0]])).toEqual({ a: [0, 1] }));
  it("keeps untouched parts", () => {
    const root = { view: { a: {}, b: { c: 1 } } };
    const a = root.view.a;
    applyPatch(root, "view", [["s", ["b", "c"], 2]]);
    expect(root.view.a).toBe(a);
  });
  it("does not take keys of objects for places", () => {
    expect(() => patched({}, ["s", ["toString", "x"], 1])).toThrow();
  });
  it("says when it does not fit", () => {
    expect(() => patched({}, ["s", ["a", "b"], 1])).toThrow("a/b");
    expect(() => patched({ a: {} }, ["a", ["a"], [1]])).toThrow("list");
    expect(() => patched({ a: [1] }, ["x", ["a"], 1, 1, []])).toThrow("end");
    expect(() => patched({}, ["q", ["a"]] as unknown as PatchOp)).toThrow("unknown");
  });
});
