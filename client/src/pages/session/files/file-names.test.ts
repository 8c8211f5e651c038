import { expect, test } from "vitest";
import { codeToRead, isImage, keptName } from "./file-names";

test.each([
  ["data.csv", "data.csv"],
  ["Bildschirmfoto 2026-11-25 um 14.02.png", "Bildschirmfoto_2026-11-25_um_14.02.png"],
  ["Übersicht.xlsx", "Ubersicht.xlsx"],
  ["../../etc/passwd", "_.._etc_passwd"],
  [".hidden", "hidden.bin"],
  ["-rf.txt", "rf.txt"],
  ["README", "README.bin"],
  ["数据.json", "_.json"],
  ["", "file.bin"],
])("%s is kept as %s", (name, kept) => {
  expect(keptName(name)).toBe(kept);
  expect(keptName(name)).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_.-]*\.[A-Za-z0-9_]+$/);
});

test("code reads a file by its kind", () => {
  expect(codeToRead("a.csv")).toBe('var lines = File.ReadAllLines(Files.Path("a.csv"));');
  expect(codeToRead("a.parquet")).toContain("ReadAllBytes");
  expect(isImage("a.PNG")).toBe(true);
});
