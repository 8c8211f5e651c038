// one-plus-one.cjs CHROMIUM ADDRESS: opens the address that ./livebook printed, makes a notebook, runs 1 + 1 and waits to see 2.
// playwright-core is found by NODE_PATH.
const { chromium } = require("playwright-core");

const [executablePath, address] = process.argv.slice(2);

(async () => {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage();
    await page.goto(address);
    await page.getByRole("button", { name: "New notebook" }).first().click();
    const cell = page.locator("article.cell:not(#cell-setup)").first();
    await cell.click();
    await cell.locator(".cm-content, .src").first().click();
    await cell.locator(".cm-content").waitFor();
    await page.keyboard.insertText("1 + 1");
    const began = Date.now();
    await page.keyboard.press("Control+Enter");
    await cell.locator(".outs").getByText("2", { exact: true }).waitFor({ timeout: 60_000 });
    console.log(`first result after ${Date.now() - began} ms`);
  } finally {
    await browser.close();
  }
})().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
