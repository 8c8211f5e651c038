/** One step of a patch: set, delete, append to an array, splice an array. Paths are keys from the root. */
export type PatchOp =
  | readonly ["s", path: readonly string[], value: unknown]
  | readonly ["d", path: readonly string[]]
  | readonly ["a", path: readonly string[], items: readonly unknown[]]
  | readonly ["x", path: readonly string[], index: number, remove: number, items: readonly unknown[]];

type Node = Record<string, unknown>;

/**
 * Applies a patch in place, so that whoever reads an untouched part of the object is not woken. The object to patch is `root[key]`,
 * because a patch may also replace it as a whole. Throws when the patch does not fit.
 */
export function applyPatch(root: object, key: string, ops: readonly PatchOp[]): void {
  for (const op of ops) applyOp(root as Node, [key, ...op[1]], op);
}

function applyOp(root: Node, path: readonly string[], op: PatchOp): void {
  const last = path[path.length - 1]!;
  let node = root;
  for (let i = 0; i < path.length - 1; i++) {
    const next = node[path[i]!];
    if (typeof next !== "object" || next === null) throw new Error(`a patch names ${path.join("/")}, which is not there`);
    node = next as Node;
  }
  switch (op[0]) {
    case "s":
      node[last] = op[2];
      return;
    case "d":
      delete node[last];
      return;
    case "a": {
      const list = arrayAt(node, last, path);
      for (const item of op[2]) list.push(item);
      return;
    }
    case "x": {
      const list = arrayAt(node, last, path);
      const [, , index, remove, items] = op;
      if (index < 0 || remove < 0 || index + remove > list.length) throw new Error(`a patch splices behind the end of ${path.join("/")}`);
      list.splice(index, remove, ...items);
      return;
    }
    default:
      throw new Error(`a patch holds the unknown step ${JSON.stringify(op[0])}`);
  }
}

function arrayAt(node: Node, key: string, path: readonly string[]): unknown[] {
  const list = node[key];
  if (!Array.isArray(list)) throw new Error(`a patch expects a list at ${path.join("/")}`);
  return list;
}
