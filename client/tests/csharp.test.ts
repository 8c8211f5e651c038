import { describe, expect, it } from "vitest";
import { highlight, loadHighlighting } from "../src/editor/highlight";

/** Class → texts, in order. */
function colored(code: string, color: string): string[] {
  return [...highlight(code, "csharp").matchAll(/<span class="([^"]*)">([^<]*)<\/span>/g)].filter((m) => m[1] === color).map((m) => m[2]!);
}

describe("C# colours", () => {
  it("ends raw strings where they end", () => {
    expect(colored('var a = """\n say "hi"\n """; var b = 1;', "k")).toEqual(["var", "var"]);
  });
  it("colours holes as code", () => {
    expect(colored('$"a {(x ? 1 : 2):N2} {{no}}"', "nu")).toEqual(["1", "2"]);
    expect(colored('$$"""{no} {{new A()}} """', "k")).toEqual(["new"]);
  });
  it("knows verbatim strings and escapes", () => {
    expect(colored('@"a\\"; int x;', "k")).toEqual(["int"]);
    expect(colored('"a\\n"', "nu")).toEqual(["\\n"]);
  });
  it("knows directives", () => {
    expect(colored('#r "nuget: X, 1.2"\n#:package Y@1', "dr")).toEqual(["#r", "#:package"]);
    expect(colored('#r "nuget: X, 1.2"', "str")).toEqual(["&#34;nuget: X, 1.2&#34;"]);
  });
  it("takes contextual keywords only in their places", () => {
    expect(colored("record Point(int X);", "k")).toEqual(["record", "int"]);
    expect(colored("var record = x is > 1 and not 3;", "k")).toEqual(["var", "is", "and", "not"]);
    expect(colored("from n in xs where n > 1 select n;", "k")).toEqual(["from", "in", "where", "select"]);
    expect(colored("var from = 1;", "k")).toEqual(["var"]);
  });
  it("tells methods and types apart", () => {
    expect(colored("Console.WriteLine(new List<int>())", "fn")).toEqual(["WriteLine"]);
    expect(colored("Console.WriteLine(new List<int>())", "ty")).toEqual(["Console", "List"]);
  });
  it("escapes everything", () => {
    expect(highlight('"<img>" // </span>', "csharp")).not.toMatch(/<img|\/\/ <\/span>/);
    expect(highlight("<b>", "no such language")).toBe("&#60;b&#62;");
  });
  it.each(["markdown", "python", "sql", "json", "html", "javascript", "fsharp", "powershell", "elixir", "erlang"])("loads %s", async (language) => {
    await loadHighlighting(language);
    expect(highlight('"a" 1', language)).toContain("a");
  });
});
