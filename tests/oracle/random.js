/** Random numbers from a seed (mulberry32): the same seed gives the same run. */
export class Random {
  constructor(seed) {
    this.state = seed >>> 0;
  }

  unit() {
    let t = (this.state = (this.state + 0x6d2b79f5) >>> 0);
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** 0 to below. */
  below(n) {
    return Math.floor(this.unit() * n);
  }

  between(from, to) {
    return from + this.below(to - from + 1);
  }

  chance(p) {
    return this.unit() < p;
  }

  pick(items) {
    return items[this.below(items.length)];
  }
}

const pieces = [
  "a", "b", "c", "xyz", " ", "\n", "\n\n", "ä", "中文", "😀", "👩‍👩‍👧", "\u2028", "\ud83d", "\ude00", "\\", '"', "\t", "\u0000", "</script>",
];

/** Text of up to `most` pieces, line ends, emoji and halves of emoji among them. */
export function randomText(random, most) {
  let text = "";
  for (let left = random.below(most + 1); left > 0; left--) text += random.pick(pieces);
  return text;
}
