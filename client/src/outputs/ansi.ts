/** A run of text in one style. */
export interface Piece {
  readonly text: string;
  readonly style: string;
}

export type Line = readonly Piece[];

interface Style {
  fore: string | null;
  back: string | null;
  bold: boolean;
  dim: boolean;
  italic: boolean;
  underline: boolean;
  struck: boolean;
  inverse: boolean;
}

const plain: Style = {
  fore: null,
  back: null,
  bold: false,
  dim: false,
  italic: false,
  underline: false,
  struck: false,
  inverse: false,
};

/**
 * Turns terminal text into styled lines as it arrives: SGR colours (16, 256, true colour) and styles, `\r` goes back to the line's start
 * and overwrites, `\b` steps back; every other escape sequence is dropped. Feed it the pieces in order.
 */
export class Terminal {
  /** Lines that are done, each drawn once. */
  readonly lines: Line[] = [];
  #cells: { char: string; style: string }[] = [];
  #column = 0;
  #style: Style = { ...plain };
  #css = "";
  /** An escape sequence that is not whole yet. */
  #rest = "";

  feed(text: string): void {
    const input = this.#rest + text;
    this.#rest = "";
    let at = 0;
    while (at < input.length) {
      const char = input[at]!;
      if (char === "\x1b") {
        const length = this.#escape(input, at);
        if (length === 0) {
          this.#rest = input.slice(at, at + 256);
          return;
        }
        at += length;
      } else if (char === "\r" && at === input.length - 1) {
        // Whether it ends the line or rewinds it depends on what comes next.
        this.#rest = char;
        return;
      } else {
        const code = input.codePointAt(at)!;
        const whole = String.fromCodePoint(code);
        this.#put(whole, input[at + 1] ?? "");
        at += whole.length;
      }
    }
  }

  /** The line that is being written. */
  get open(): Line {
    return pieces(this.#cells);
  }

  #put(char: string, next: string): void {
    if (char === "\n") {
      this.lines.push(pieces(this.#cells));
      this.#cells = [];
      this.#column = 0;
    } else if (char === "\r") {
      if (next !== "\n") this.#column = 0;
    } else if (char === "\b") {
      this.#column = Math.max(0, this.#column - 1);
    } else if (char >= " " || char === "\t") {
      while (this.#cells.length < this.#column) this.#cells.push({ char: " ", style: "" });
      this.#cells[this.#column++] = { char, style: this.#css };
    }
  }

  /** Handles the sequence at `at`; its length, or 0 when it is not whole yet. */
  #escape(input: string, at: number): number {
    const next = input[at + 1];
    if (next === undefined) return 0;
    if (next === "]") {
      const end = /\x07|\x1b\\/.exec(input.slice(at));
      if (end) return end.index + end[0].length;
      return input.length - at > 256 ? 2 : 0;
    }
    if (next !== "[") return 2;
    let end = at + 2;
    while (end < input.length && !(input[end]! >= "@" && input[end]! <= "~")) end++;
    if (end >= input.length) return input.length - at > 64 ? 2 : 0;
    const body = input.slice(at + 2, end);
    if (input[end] === "m") this.#paint(body);
    else if (input[end] === "K" && (body === "" || body === "0")) this.#cells.length = Math.min(this.#cells.length, this.#column);
    else if (input[end] === "K" && body === "2") this.#cells = [];
    else if (input[end] === "G") this.#column = Math.max(0, (Number(body) || 1) - 1);
    return end - at + 1;
  }

  #paint(body: string): void {
    const codes = body.split(/[;:]/).map((code) => Number(code) || 0);
    const style = this.#style;
    for (let i = 0; i < codes.length; i++) {
      const code = codes[i]!;
      if (code === 0) Object.assign(style, plain);
      else if (code === 1) style.bold = true;
      else if (code === 2) style.dim = true;
      else if (code === 3) style.italic = true;
      else if (code === 4) style.underline = true;
      else if (code === 7) style.inverse = true;
      else if (code === 9) style.struck = true;
      else if (code === 22) style.bold = style.dim = false;
      else if (code === 23) style.italic = false;
      else if (code === 24) style.underline = false;
      else if (code === 27) style.inverse = false;
      else if (code === 29) style.struck = false;
      else if (code >= 30 && code <= 37) style.fore = `var(--a${code - 30})`;
      else if (code >= 90 && code <= 97) style.fore = `var(--a${code - 82})`;
      else if (code === 39) style.fore = null;
      else if (code >= 40 && code <= 47) style.back = `var(--a${code - 40})`;
      else if (code >= 100 && code <= 107) style.back = `var(--a${code - 92})`;
      else if (code === 49) style.back = null;
      else if (code === 38 || code === 48) {
        const [color, used] = extended(codes, i + 1);
        i += used;
        if (color !== null) style[code === 38 ? "fore" : "back"] = color;
      }
    }
    this.#css = css(style);
  }
}

/** Colour of `5;n` or `2;r;g;b` behind a 38 or 48, and how many codes it took. */
function extended(codes: readonly number[], at: number): [string | null, number] {
  if (codes[at] === 5) return [indexed(codes[at + 1] ?? 0), 2];
  if (codes[at] === 2) {
    const [red, green, blue] = [1, 2, 3].map((offset) => Math.min(255, codes[at + offset] ?? 0));
    return [`rgb(${red} ${green} ${blue})`, 4];
  }
  return [null, 1];
}

function indexed(index: number): string {
  if (index < 16) return `var(--a${index})`;
  if (index >= 232) {
    const grey = 8 + (Math.min(index, 255) - 232) * 10;
    return `rgb(${grey} ${grey} ${grey})`;
  }
  const level = (step: number) => (step === 0 ? 0 : 55 + step * 40);
  const cube = index - 16;
  return `rgb(${level(Math.floor(cube / 36))} ${level(Math.floor(cube / 6) % 6)} ${level(cube % 6)})`;
}

function css(style: Style): string {
  const rules: string[] = [];
  const fore = style.inverse ? (style.back ?? "var(--paper)") : style.fore;
  const back = style.inverse ? (style.fore ?? "var(--ink)") : style.back;
  if (fore) rules.push(`color:${fore}`);
  if (back) rules.push(`background:${back}`);
  // Text on a coloured ground without a colour of its own must stay readable in both themes.
  if (back && !fore) rules.push("color:var(--paper)");
  if (style.bold) rules.push("font-weight:640");
  if (style.dim) rules.push("color:var(--ink-3)");
  if (style.italic) rules.push("font-style:italic");
  if (style.underline || style.struck) {
    rules.push(`text-decoration:${[style.underline && "underline", style.struck && "line-through"].filter(Boolean).join(" ")}`);
  }
  return rules.join(";");
}

function pieces(cells: readonly { char: string; style: string }[]): Line {
  const line: { text: string; style: string }[] = [];
  for (const cell of cells) {
    const last = line.at(-1);
    if (last && last.style === cell.style) last.text += cell.char;
    else line.push({ text: cell.char, style: cell.style });
  }
  return line;
}
