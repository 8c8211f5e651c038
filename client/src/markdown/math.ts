import type { MarkdownIt } from "markdown-it";

let drawFormula: ((source: string, displayMode: boolean) => string) | null = null;

/** Class of a formula that stands as its source because KaTeX is not loaded yet. */
export const UndrawnFormula = "formula-source";

/** Loads KaTeX; from then on formulas are drawn. */
export async function loadMath(): Promise<void> {
  ({ drawFormula } = await import("./katex"));
}

/** Teaches markdown-it `$inline$` and `$$block$$` formulas. A dollar sign before a blank or behind a digit stays a dollar sign. */
export function math(markdown: MarkdownIt): void {
  markdown.inline.ruler.after("escape", "math_inline", (state, silent) => {
    const { src, pos } = state;
    if (src[pos] !== "$") return false;
    const marker = src[pos + 1] === "$" ? "$$" : "$";
    const from = pos + marker.length;
    const end = closing(src, from, marker);
    if (end === -1) return false;
    if (marker === "$" && (/\s/.test(src[from] ?? " ") || /\s/.test(src[end - 1]!) || /\d/.test(src[end + 1] ?? ""))) return false;
    if (!silent) {
      const token = state.push("math", "", 0);
      token.content = src.slice(from, end);
      token.block = marker === "$$";
    }
    state.pos = end + marker.length;
    return true;
  });

  markdown.block.ruler.before(
    "fence",
    "math_block",
    (state, startLine, endLine, silent) => {
      const line = (at: number) => state.src.slice(state.bMarks[at]! + state.tShift[at]!, state.eMarks[at]).trim();
      const first = line(startLine);
      if (!first.startsWith("$$")) return false;
      const opening = first.slice(2);
      const content: string[] = [];
      let next = startLine + 1;
      if (opening.endsWith("$$") && opening.length > 2) {
        content.push(opening.slice(0, -2));
      } else if (opening.includes("$$")) {
        return false;
      } else {
        content.push(opening);
        for (; next < endLine; next++) {
          const text = line(next);
          if (text.endsWith("$$")) {
            content.push(text.slice(0, -2));
            break;
          }
          content.push(text);
        }
        if (next >= endLine) return false;
        next++;
      }
      if (silent) return true;
      const token = state.push("math", "", 0);
      token.content = content.join("\n");
      token.block = true;
      token.map = [startLine, next];
      state.line = next;
      return true;
    },
    { alt: ["paragraph", "reference", "blockquote", "list"] },
  );

  markdown.renderer.rules.math = (tokens, index) => {
    const token = tokens[index]!;
    const formula = drawFormula?.(token.content, token.block) ?? `<code class="${UndrawnFormula}">${markdown.utils.escapeHtml(token.content)}</code>`;
    return token.block ? `<div class="eq">${formula}</div>` : formula;
  };
}

function closing(source: string, from: number, marker: string): number {
  for (let at = source.indexOf(marker, from); at !== -1; at = source.indexOf(marker, at + 1)) {
    if (source[at - 1] !== "\\" && at > from) return at;
  }
  return -1;
}
