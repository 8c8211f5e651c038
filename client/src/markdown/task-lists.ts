import type { MarkdownIt } from "markdown-it";

/** Turns list items that begin with `[ ]` or `[x]` into boxes; they show a state and cannot be pressed. */
export function taskLists(markdown: MarkdownIt): void {
  markdown.core.ruler.after("inline", "task_lists", (state) => {
    state.tokens.forEach((token, index) => {
      const first = token.children?.[0];
      if (token.type !== "inline" || first?.type !== "text" || state.tokens[index - 2]?.type !== "list_item_open") return;
      const box = /^\[([ xX])\]\s+/.exec(first.content);
      if (!box) return;
      const done = box[1] !== " ";
      first.content = first.content.slice(box[0].length);
      const mark = new state.Token("html_inline", "", 0);
      mark.content = `<span class="task${done ? " done" : ""}" role="img" aria-label="${done ? "Done" : "Open"}"></span>`;
      token.children!.unshift(mark);
      state.tokens[index - 2]!.attrJoin("class", "task-item");
    });
  });
}
