/**
 * Takes pictures of the fixture pages and checks them with axe: `node tests/pages/look.mjs DIRECTORY [name-filter]`.
 * Needs a Chromium; CHROMIUM names it when it is not /usr/bin/chromium.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { build, preview } from "vite";

const [, , directory = "artifacts", filter = ""] = process.argv;
mkdirSync(directory, { recursive: true });
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const built = mkdtempSync(join(tmpdir(), "fixture-pages-"));
await build({ logLevel: "error", build: { outDir: built, emptyOutDir: true, rolldownOptions: { input: ["tests/pages/fixture.html", "frame.html"] } } });
const server = await preview({ logLevel: "error", build: { outDir: built }, preview: { port: 0, host: "127.0.0.1", cors: { origin: "*" } } });
const { port } = server.httpServer.address();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

const wide = { width: 1440, height: 900 };
const phone = { width: 390, height: 844 };
const shots = [];
for (const theme of ["light", "dark"]) {
  for (const [page, state] of [["home", "ok"], ["home", "empty"], ["session", "ok"], ["login", "ok"], ["lost", "ok"]]) {
    shots.push({ page, state, theme, size: "wide" }, { page, state, theme, size: "phone" });
  }
  shots.push({ page: "session", state: "ok", theme, size: "wide", full: true });
}
shots.push(
  { page: "session", state: "reconnecting", theme: "light", size: "wide" },
  { page: "session", state: "minority", theme: "dark", size: "wide" },
  { page: "session", state: "conflict", theme: "light", size: "wide" },
  { page: "session", state: "connecting", theme: "light", size: "wide" },
  { page: "session", state: "plain", theme: "light", size: "wide" },
);

let violations = 0;
try {
  for (const shot of shots) {
    const name = [shot.page, shot.state === "ok" ? null : shot.state, shot.theme, shot.size === "phone" ? "phone" : null, shot.full ? "full" : null].filter(Boolean).join("-");
    if (!name.includes(filter)) continue;
    const context = await browser.newContext({ viewport: shot.size === "phone" ? phone : wide, hasTouch: shot.size === "phone", reducedMotion: "reduce" });
    const page = await context.newPage();
    page.on("pageerror", (error) => console.log(`${name}: ${error.stack ?? error}`));
    page.on("console", (message) => message.type() === "error" && console.log(`${name}: console ${message.text()}`));
    await page.goto(`http://127.0.0.1:${port}/tests/pages/fixture.html?page=${shot.page}&state=${shot.state}&theme=${shot.theme}`);
    await page.waitForSelector("h1, .loading", { timeout: 8000 }).catch(() => console.log(`${name}: nothing was shown`));
    await page.waitForTimeout(1200);
    if (shot.full) {
      // Everything on the screen at once, so that every cell is drawn with its editor.
      const height = await page.evaluate(() => document.documentElement.scrollHeight);
      await page.setViewportSize({ width: 1440, height: Math.min(9000, height + 1200) });
      await page.waitForTimeout(2500);
    }
    await page.screenshot({ path: join(directory, `${name}.png`) });
    const sideways = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
    if (sideways) console.log(`${name}: the page scrolls sideways`);
    await page.evaluate(axe);
    const report = await page.evaluate(() =>
      window.axe.run(document, { iframes: false, runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }),
    );
    for (const violation of report.violations) {
      violations++;
      console.log(`${name}: ${violation.id} ${violation.help}`);
      for (const node of violation.nodes.slice(0, 4)) console.log(`    ${node.html.slice(0, 160)}\n      ${node.any.map((check) => check.message).join(" | ").slice(0, 200)}`);
    }
    await context.close();
  }
} finally {
  await browser.close();
  await server.close();
  rmSync(built, { recursive: true });
}
console.log(violations === 0 ? "axe: no violations" : `axe: ${violations} violations`);
process.exit(violations === 0 ? 0 : 1);
