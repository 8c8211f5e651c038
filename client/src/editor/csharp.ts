import { StreamLanguage, type StringStream } from "@codemirror/language";

// C# as far as colours and indentation need it: strings of every kind with their holes, directives, contextual keywords. What only a
// compiler knows (is this name a type?) is guessed from the neighbours.

/** Code: the file itself, or a hole of an interpolated string, which ends with `closers` braces. */
interface CodeContext {
  readonly kind: "code";
  readonly closers: number;
  depth: number;
}

/** `quotes` = 1 for a usual string, 3 or more for a raw one; `dollars` = how many braces open a hole, 0 = none do. */
interface StringContext {
  readonly kind: "string";
  readonly quotes: number;
  readonly verbatim: boolean;
  readonly dollars: number;
}

interface CommentContext {
  readonly kind: "comment";
}

interface State {
  stack: (CodeContext | StringContext | CommentContext)[];
  /** Indentation inside each open bracket. */
  indents: number[];
  /** The last word or sign that was no space or comment. */
  previous: string;
  /** Within a query expression: `where`, `select`… are keywords. */
  query: boolean;
  /** What the rest of a directive's line is: "code" = as usual. */
  directive: "code" | "string" | "meta" | null;
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(" "));
}

const control = words("if else switch case for foreach while do return break continue goto throw try catch finally yield await when");
const keywords = words(
  "abstract as base bool byte char checked class const decimal default delegate double enum event explicit extern false fixed float implicit in int interface internal is lock long namespace new null object operator out override params private protected public readonly ref sbyte sealed short sizeof stackalloc static string struct this true typeof uint ulong unchecked unsafe ushort using virtual void volatile var dynamic nint nuint async nameof",
);
const query = words("from where select orderby group join let into on equals by ascending descending");
/** Keywords only before a name. */
const modifiers = words("record file required partial scoped extension global unmanaged notnull managed");
const accessors = words("get set init add remove");
const beforeType = words("new is as class struct record interface enum typeof sizeof nameof catch : extends");

const name = /^@?[\p{L}_][\p{L}\p{N}_]*/u;
const number = /^(?:0[xX][\da-fA-F_]+|0[bB][01_]+|(?:\d[\d_]*)?\.?\d[\d_]*(?:[eE][+-]?\d+)?)[uUlLfFdDmM]{0,2}/;
const stringStart = /^(?:\$+(?="""))?"{3,}|^(?:\$@|@\$|@|\$)?"/;
const call = /^\s*(?:<[\w\s,.<>[\]?]*>)?\s*\(/;
const typeLike = /^\s*[.<]|^\??(?:\[,*\])*\??\s+[\p{L}_@]|^(?:\[,*\])+|^\s*>/u;

function token(stream: StringStream, state: State): string | null {
  if (stream.sol()) state.directive = null;
  const context = state.stack[state.stack.length - 1]!;
  if (context.kind === "string") return inString(stream, state, context);
  if (context.kind === "comment") return inComment(stream, state);
  if (stream.eatSpace()) return null;
  if (state.directive === "string" || state.directive === "meta") {
    stream.skipToEnd();
    return state.directive;
  }
  return code(stream, state, context);
}

function code(stream: StringStream, state: State, context: CodeContext): string | null {
  if (context.closers === 0 && stream.peek() === "#" && stream.string.slice(0, stream.pos).trim() === "") return directive(stream, state);
  if (stream.match("//")) {
    stream.skipToEnd();
    return "comment";
  }
  if (stream.match("/*")) {
    state.stack.push({ kind: "comment" });
    return inComment(stream, state);
  }
  const quote = stream.match(stringStart, true) as RegExpMatchArray | null;
  if (quote) return openString(stream, state, quote[0]);
  if (stream.match(/^'(?:\\.[^']*|[^'\\])'/)) return said(state, "'", "character");
  if (/[\d.]/.test(stream.peek()!) && /^\.?\d/.test(stream.string.slice(stream.pos)) && stream.match(number)) return said(state, "0", "number");
  const word = stream.match(name, true) as RegExpMatchArray | null;
  if (word) return identifier(stream, state, word[0]);
  return sign(stream, state, context);
}

function directive(stream: StringStream, state: State): string {
  const [text] = stream.match(/^#\s*[:!]?\w*/, true) as RegExpMatchArray;
  if (/^#\s*:/.test(text)) state.directive = "string";
  else if (/^#\s*(?:r|load|if|elif)$/.test(text)) state.directive = "code";
  else state.directive = "meta";
  return "meta";
}

function openString(stream: StringStream, state: State, start: string): string {
  const quotes = start.length - start.replaceAll('"', "").length;
  const dollars = start.length - start.replaceAll("$", "").length;
  state.previous = '"';
  state.stack.push({ kind: "string", quotes, verbatim: start.includes("@"), dollars });
  return inString(stream, state, state.stack[state.stack.length - 1] as StringContext);
}

function inString(stream: StringStream, state: State, context: StringContext): string {
  const { quotes, verbatim, dollars } = context;
  while (!stream.eol()) {
    if (stream.peek() === '"') {
      const [run] = stream.match(/^"+/, true) as RegExpMatchArray;
      if (quotes > 1 ? run.length >= quotes : !verbatim || run.length % 2 === 1) {
        // In a usual string the first quote ends it; the others open the next one.
        if (quotes === 1 && !verbatim) stream.backUp(run.length - 1);
        stream.match(/^u8\b/);
        state.stack.pop();
        return "string";
      }
    } else if (dollars > 0 && stream.peek() === "{") {
      const start = stream.pos;
      const [run] = stream.match(/^\{+/, true) as RegExpMatchArray;
      if (quotes === 1 ? run.length % 2 === 1 : run.length >= dollars) {
        stream.backUp(dollars);
        if (stream.pos > stream.start) return "string";
        stream.pos = start + dollars;
        state.stack.push({ kind: "code", closers: dollars, depth: 0 });
        state.previous = "{";
        return "punctuation";
      }
    } else if (quotes === 1 && !verbatim && stream.peek() === "\\") {
      if (stream.pos > stream.start) return "string";
      stream.match(/^\\(?:u[\da-fA-F]{4}|U[\da-fA-F]{8}|x[\da-fA-F]{1,4}|.?)/);
      return "escape";
    } else {
      stream.next();
    }
  }
  // A usual string ends with its line, closed or not.
  if (quotes === 1 && !verbatim) state.stack.pop();
  return "string";
}

function inComment(stream: StringStream, state: State): string {
  if (stream.match(/^.*?\*\//)) state.stack.pop();
  else stream.skipToEnd();
  return "comment";
}

function sign(stream: StringStream, state: State, context: CodeContext): string {
  const character = stream.next()!;
  const hole = context.closers > 0;
  if (hole && context.depth === 0 && character === "}") {
    stream.match("}".repeat(context.closers - 1));
    state.stack.pop();
    return "punctuation";
  }
  if (hole && context.depth === 0 && character === ":" && stream.peek() !== ":") {
    stream.match(/^[^}"]*/);
    return "string";
  }
  if ("([{".includes(character)) {
    context.depth++;
    if (!hole) state.indents.push(stream.indentation() + stream.indentUnit);
  } else if (")]}".includes(character)) {
    context.depth = Math.max(0, context.depth - 1);
    if (!hole) state.indents.pop();
  } else if (character === ";") {
    state.query = false;
  }
  return said(state, character, "punctuation");
}

function identifier(stream: StringStream, state: State, word: string): string {
  const { previous } = state;
  state.previous = word;
  const rest = stream.string.slice(stream.pos);
  const member = previous === "." || previous === "?.";
  if (!member && !word.startsWith("@")) {
    if (word === "from" && /^\s+[\p{L}_@][^=;]*\sin\s/u.test(rest)) state.query = true;
    if (state.query && query.has(word)) return "keyword";
    if (control.has(word)) return "controlKeyword";
    if (keywords.has(word) || (word === "with" && /^\s*\{/.test(rest)) || isContextual(word, previous, rest)) return "keyword";
  }
  if (call.test(rest) && previous !== "new") return "variableName.function";
  const capital = /^@?\p{Lu}/u.test(word);
  if (member) return "propertyName";
  if (beforeType.has(previous) || (capital && typeLike.test(rest))) return "typeName";
  return capital && previous === "<" ? "typeName" : "variableName";
}

function isContextual(word: string, previous: string, rest: string): boolean {
  if (modifiers.has(word)) return /^\s+[\p{L}_@]/u.test(rest) || (word === "global" && rest.startsWith("::"));
  if (accessors.has(word)) return "{;}".includes(previous) && /^\s*(?:;|\{|=>)/.test(rest);
  if (word === "not") return /^\s+[^=;,)\s.]/.test(rest);
  if (word === "and" || word === "or") return /[\p{L}\p{N}_)\]}"'>]$/u.test(previous) && /^\s+[^=;,)\s.]/.test(rest);
  return word === "where" && /^\s+\p{L}\w*\s*:/u.test(rest);
}

function said(state: State, previous: string, style: string): string {
  state.previous = previous;
  return style;
}

export const csharp = StreamLanguage.define<State>({
  name: "csharp",
  startState: () => ({ stack: [{ kind: "code", closers: 0, depth: 0 }], indents: [], previous: ";", query: false, directive: null }),
  copyState: (state) => ({
    ...state,
    stack: state.stack.map((context) => (context.kind === "code" ? { ...context } : context)),
    indents: [...state.indents],
  }),
  token,
  blankLine: (state) => {
    state.directive = null;
  },
  indent: (state, textAfter) => {
    if (state.stack.length > 1) return null;
    const closes = /^\s*[)\]}]/.test(textAfter) ? 1 : 0;
    const depth = state.indents.length - closes;
    if (depth < 0) return 0;
    return closes ? (state.indents[depth]! - unit(state.indents, depth)) : (state.indents[depth - 1] ?? 0);
  },
  languageData: {
    commentTokens: { line: "//", block: { open: "/*", close: "*/" } },
    closeBrackets: { brackets: ["(", "[", "{", '"', "'"] },
    indentOnInput: /^\s*[{}\])]$/,
  },
});

/** How far the bracket at `depth` indents: what it added to its line's own indentation. */
function unit(indents: readonly number[], depth: number): number {
  return Math.max(0, indents[depth]! - (indents[depth - 1] ?? 0));
}
