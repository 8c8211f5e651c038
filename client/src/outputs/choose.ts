import type { OutputView } from "../protocol";

/** How a MIME type is shown, richest first. */
const order = [
  "text/html",
  "image/svg+xml",
  "image/png",
  "image/jpeg",
  "image/gif",
  "image/webp",
  "text/markdown",
  "text/latex",
  "application/json",
  "text/x-ansi",
  "text/plain",
] as const;

export type Shown = (typeof order)[number];

/** Which of an output's forms is shown; null when there is none that can be. */
export function choose(data: OutputView["data"]): Shown | null {
  return order.find((mime) => data && mime in data) ?? null;
}
