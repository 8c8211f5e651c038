import DOMPurify from "dompurify";
import MarkdownIt from "markdown-it";
import { highlight } from "../editor/highlight";
import { math } from "./math";
import { taskLists } from "./task-lists";

const markdown = new MarkdownIt({
  html: true,
  linkify: true,
  typographer: false,
  highlight: (code, language) => (language ? highlight(code, language) : ""),
})
  .use(math)
  .use(taskLists);

const fence = markdown.renderer.rules.fence!;
markdown.renderer.rules.fence = (tokens, index, options, env, self) => {
  const token = tokens[index]!;
  // A diagram is drawn later, where it is shown; until then its source stands there.
  if (token.info.trim() === "mermaid") return `<pre class="mermaid-source">${markdown.utils.escapeHtml(token.content)}</pre>`;
  return `<div class="code-block">${fence(tokens, index, options, env, self)}</div>`;
};
markdown.renderer.rules.table_open = () => '<div class="scroll"><table>';
markdown.renderer.rules.table_close = () => "</table></div>";

const purifier = DOMPurify(window);
purifier.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName === "A" && node.hasAttribute("href")) {
    const target = new URL(node.getAttribute("href")!, location.href);
    if (target.origin !== location.origin) {
      node.setAttribute("target", "_blank");
      node.setAttribute("rel", "noreferrer noopener");
    }
  }
});

/** Where a file of the notebook is, while one text is rendered. */
let fileAddress: ((name: string) => string) | null = null;

purifier.addHook("beforeSanitizeAttributes", (node) => {
  const source = node.tagName === "IMG" ? node.getAttribute("src") : null;
  const name = source === null ? null : /^(?:\.\/)?files\/([A-Za-z0-9_][A-Za-z0-9_.-]*)$/.exec(source)?.[1];
  if (name && fileAddress) node.setAttribute("src", fileAddress(name));
});

/** Markdown as safe HTML: GFM tables and task lists, `$…$` and `$$…$$`, coloured code; scripts, forms, styles and handlers are removed. Pictures in `files/` come from `files`. */
export function renderMarkdown(source: string, files: ((name: string) => string) | null = null): string {
  fileAddress = files;
  return purifier.sanitize(markdown.render(source), {
    USE_PROFILES: { html: true, mathMl: true, svg: false },
    FORBID_TAGS: ["style", "form", "iframe", "object", "embed", "base", "link", "meta", "dialog"],
    FORBID_ATTR: ["id", "name"],
    ALLOW_DATA_ATTR: false,
  });
}
