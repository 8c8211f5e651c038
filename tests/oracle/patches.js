import { isDeepStrictEqual } from "node:util";

/** Applies one patch to a value in place. */
export function applyPatch(root, ops) {
  let value = root;
  for (const [kind, path, ...rest] of ops) {
    if (path.length === 0) {
      if (kind !== "s") throw new Error(`${kind} of the whole value`);
      value = rest[0];
      continue;
    }
    let parent = value;
    for (const name of path.slice(0, -1)) parent = parent[name];
    const name = path[path.length - 1];
    switch (kind) {
      case "s":
        parent[name] = rest[0];
        break;
      case "d":
        if (!(name in parent)) throw new Error(`nothing to delete at ${path}`);
        delete parent[name];
        break;
      case "a":
        for (const item of rest[0]) parent[name].push(item);
        break;
      case "x":
        parent[name].splice(rest[0], rest[1], ...rest[2]);
        break;
      default:
        throw new Error(`no such operation: ${kind}`);
    }
  }
  return value;
}

/** Follows a session by its patches; `steps` hold the patch and, now and then, what must have come of it. */
export function follow(start, steps) {
  let value = start;
  for (const [index, { ops, view }] of steps.entries()) {
    value = applyPatch(value, ops);
    if (view && !isDeepStrictEqual(value, view)) return { failure: { index, found: value, wanted: view } };
  }
  return { failure: null };
}
