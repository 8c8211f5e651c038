import { expect, test } from "vitest";
import { Terminal } from "./ansi";

function read(...pieces: string[]) {
  const terminal = new Terminal();
  for (const piece of pieces) terminal.feed(piece);
  const open = terminal.open;
  return open.length > 0 ? [...terminal.lines, open] : terminal.lines;
}
const texts = (...pieces: string[]) => read(...pieces).map((line) => line.map((piece) => piece.text).join(""));

test("a carriage return rewinds the line and overwrites it", () => {
  expect(texts("loading 10 %\rloading 100 %\n")).toEqual(["loading 100 %"]);
  expect(texts("abcdef\rXY")).toEqual(["XYcdef"]);
});

test("a carriage return before a line feed only ends the line, also when the two arrive apart", () => {
  expect(texts("one\r\ntwo")).toEqual(["one", "two"]);
  expect(texts("one\r", "\ntwo")).toEqual(["one", "two"]);
});

test("colours of 16, 256 and 24 bits become styles, and 0 ends them", () => {
  const [line] = read("\x1b[31ma\x1b[0mb\x1b[38;5;196mc\x1b[48;2;1;2;3md");
  expect(line!.map((piece) => piece.text)).toEqual(["a", "b", "c", "d"]);
  expect(line![0]!.style).toBe("color:var(--a1)");
  expect(line![1]!.style).toBe("");
  expect(line![2]!.style).toBe("color:rgb(255 0 0)");
  expect(line![3]!.style).toContain("background:rgb(1 2 3)");
});

test("bold and underline go on until they are ended", () => {
  const [line] = read("\x1b[1;4mx\x1b[22my\x1b[24mz");
  expect(line!.map((piece) => piece.style)).toEqual(["font-weight:640;text-decoration:underline", "text-decoration:underline", ""]);
});

test("a sequence that is cut apart is put together again", () => {
  const [line] = read("\x1b[3", "2mgreen");
  expect(line).toEqual([{ text: "green", style: "color:var(--a2)" }]);
});

test("other sequences are dropped, and nothing of them is shown", () => {
  expect(texts("\x1b]0;title\x07a\x1b[2Jb\x1b[?25lc")).toEqual(["abc"]);
});

test("whole characters outside the first plane stay whole", () => {
  expect(texts("😀\x1b[1m😀")).toEqual(["😀😀"]);
});
