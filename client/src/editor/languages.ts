import { type LanguageSupport, StreamLanguage } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { csharp } from "./csharp";

type Language = LanguageSupport | StreamLanguage<unknown>;

const stream = async (load: () => Promise<Parameters<typeof StreamLanguage.define>[0]>): Promise<Language> => StreamLanguage.define(await load());

const loaders: Record<string, () => Promise<Language>> = {
  markdown: async () => {
    const [{ markdown, markdownLanguage }, { LanguageDescription }] = await Promise.all([import("@codemirror/lang-markdown"), import("@codemirror/language")]);
    // Fences in a text cell are coloured like cells.
    return markdown({
      base: markdownLanguage,
      codeLanguages: (info) => {
        const id = canonical(info);
        if (id === "markdown" || !(id in loaders || id === "csharp")) return null;
        return LanguageDescription.of({
          name: id,
          load: async () => {
            const { LanguageSupport } = await import("@codemirror/language");
            const language = await loadLanguage(id);
            return language instanceof StreamLanguage ? new LanguageSupport(language) : language!;
          },
        });
      },
    });
  },
  python: async () => (await import("@codemirror/lang-python")).python(),
  sql: async () => (await import("@codemirror/lang-sql")).sql(),
  json: async () => (await import("@codemirror/lang-json")).json(),
  html: async () => (await import("@codemirror/lang-html")).html(),
  javascript: async () => (await import("@codemirror/lang-javascript")).javascript(),
  typescript: async () => (await import("@codemirror/lang-javascript")).javascript({ typescript: true }),
  fsharp: () => stream(async () => (await import("@codemirror/legacy-modes/mode/mllike")).fSharp),
  powershell: () => stream(async () => (await import("@codemirror/legacy-modes/mode/powershell")).powerShell),
  erlang: () => stream(async () => (await import("@codemirror/legacy-modes/mode/erlang")).erlang),
  ruby: () => stream(async () => (await import("@codemirror/legacy-modes/mode/ruby")).ruby),
  shell: () => stream(async () => (await import("@codemirror/legacy-modes/mode/shell")).shell),
  xml: () => stream(async () => (await import("@codemirror/legacy-modes/mode/xml")).xml),
  yaml: () => stream(async () => (await import("@codemirror/legacy-modes/mode/yaml")).yaml),
  toml: () => stream(async () => (await import("@codemirror/legacy-modes/mode/toml")).toml),
  css: () => stream(async () => (await import("@codemirror/legacy-modes/mode/css")).css),
  dockerfile: () => stream(async () => (await import("@codemirror/legacy-modes/mode/dockerfile")).dockerFile),
  r: () => stream(async () => (await import("@codemirror/legacy-modes/mode/r")).r),
};

const aliases: Record<string, string> = {
  "c#": "csharp",
  cs: "csharp",
  csx: "csharp",
  "f#": "fsharp",
  fs: "fsharp",
  fsx: "fsharp",
  md: "markdown",
  py: "python",
  js: "javascript",
  ts: "typescript",
  ps1: "powershell",
  pwsh: "powershell",
  bash: "shell",
  sh: "shell",
  yml: "yaml",
  svg: "xml",
  // Close enough for colours: `do … end` blocks, atoms, strings with holes.
  elixir: "ruby",
  ex: "ruby",
};

const loaded = new Map<string, Language>([["csharp", csharp as Language]]);

function canonical(language: string): string {
  const id = language.trim().toLowerCase();
  return aliases[id] ?? id;
}

/** A language that is there already, without waiting. */
export function loadedLanguage(language: string): Language | null {
  return loaded.get(canonical(language)) ?? null;
}

/** Loads a language's colours and indentation; null when there are none. */
export async function loadLanguage(language: string): Promise<Language | null> {
  const id = canonical(language);
  const known = loaded.get(id);
  if (known) return known;
  const loader = Object.hasOwn(loaders, id) ? loaders[id] : undefined;
  if (!loader) return null;
  const made = await loader();
  loaded.set(id, made);
  return made;
}

export function extensionOf(language: Language | null): Extension {
  return language ?? [];
}

/** Spaces of one indentation step. */
export function indentationOf(language: string): number {
  return ["csharp", "fsharp", "python", "powershell"].includes(canonical(language)) ? 4 : 2;
}
