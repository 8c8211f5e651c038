import type { Language } from "@codemirror/language";
import { highlightCode } from "@lezer/highlight";
import { codeColors } from "./colors";
import { loadedLanguage, loadLanguage } from "./languages";

/** Code longer than this is shown without colours. */
const MostCharacters = 200_000;

/**
 * Code as HTML, line by line: spans with the classes of the editor's colours, everything else escaped. Without colours while the
 * language is not loaded (see `loadHighlighting`).
 */
export function highlightLines(code: string, language: string): string[] {
  const support = code.length > MostCharacters ? null : loadedLanguage(language);
  if (!support) return code.split("\n").map(escapeHtml);
  const parser = "language" in support ? support.language.parser : (support as Language).parser;
  const lines: string[] = [""];
  highlightCode(
    code,
    parser.parse(code),
    codeColors,
    (text, classes) => {
      lines[lines.length - 1] += classes ? `<span class="${classes}">${escapeHtml(text)}</span>` : escapeHtml(text);
    },
    () => lines.push(""),
  );
  return lines;
}

/** Code as HTML, lines joined by \n. */
export function highlight(code: string, language: string): string {
  return highlightLines(code, language).join("\n");
}

/** Loads a language's colours; true when `highlight` shows more than before. */
export async function loadHighlighting(language: string): Promise<boolean> {
  if (loadedLanguage(language)) return false;
  return (await loadLanguage(language)) !== null;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
