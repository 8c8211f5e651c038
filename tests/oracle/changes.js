import { ChangeSet, Text } from "@codemirror/state";
import { Random, randomText } from "./random.js";

const textOf = (string) => Text.of(string.split("\n"));

/** Some edits of a text; they may touch, overlap, or be nothing at all. */
export function randomChanges(random, length, size = 4) {
  const specs = [];
  for (let left = random.below(4); left > 0; left--) {
    const from = random.between(0, length);
    const to = random.chance(0.4) ? from : Math.min(length, from + random.below(6));
    specs.push({ from, to, insert: random.chance(0.3) ? "" : randomText(random, size) });
  }
  return ChangeSet.of(specs, length);
}

/** A change with odd structure: what composing, inverting and mapping leave behind. */
function oddChanges(random, doc) {
  let changes = randomChanges(random, doc.length);
  for (let left = random.below(3); left > 0; left--) {
    const other = randomChanges(random, doc.length);
    switch (random.below(3)) {
      case 0:
        changes = changes.compose(randomChanges(random, changes.newLength));
        break;
      case 1: {
        // There, the change as it is there, and back again.
        const moved = changes.map(other);
        changes = other.compose(moved).compose(other.invert(doc).map(moved));
        break;
      }
      default: {
        // Written, taken back, and changed.
        const written = changes.compose(changes.invert(doc));
        changes = written.compose(other);
      }
    }
  }
  return changes;
}

const probes = (random, length) => Array.from({ length: 4 }, () => random.between(0, length));

export class ChangeCases {
  expected = [];

  /** Cases for the other side to work out. */
  make(seed, count) {
    const random = new Random(seed);
    this.expected = [];
    const cases = [];
    for (let left = count; left > 0; left--) {
      const doc = textOf(random.chance(0.05) ? "" : randomText(random, 12));
      const a = oddChanges(random, doc);
      const b = oddChanges(random, doc);
      const positions = probes(random, doc.length);
      const text = doc.sliceString(0, undefined, "\n");
      cases.push({ text, a: a.toJSON(), b: b.toJSON(), positions });
      this.expected.push({
        case: { seed, text, a: a.toJSON(), b: b.toJSON(), positions },
        a: a.toJSON(),
        lengths: [a.length, a.newLength],
        applied: a.apply(doc).sliceString(0, undefined, "\n"),
        after: a.map(b).toJSON(),
        before: a.map(b, true).toJSON(),
        both: b.compose(a.map(b)).apply(doc).sliceString(0, undefined, "\n"),
        positions: positions.flatMap((pos) => [a.mapPos(pos, -1), a.mapPos(pos, 1)]),
      });
    }
    return { cases };
  }

  /** Compares what the other side worked out. */
  verify(results) {
    const failures = [];
    this.expected.forEach((expected, i) => {
      const result = results[i] ?? {};
      for (const name of ["a", "lengths", "applied", "after", "before", "both", "positions"]) {
        const wanted = JSON.stringify(expected[name]);
        const found = JSON.stringify(result[name]);
        if (wanted !== found && failures.length < 5) failures.push({ name, wanted, found, case: JSON.stringify(expected.case) });
      }
    });
    return { failures };
  }
}
