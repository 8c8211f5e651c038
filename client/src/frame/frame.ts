/**
 * The document inside an output's frame. It has an opaque origin: it asks its parent for a channel, gets HTML over it, runs the scripts
 * in it and reports its height.
 */
const root = document.body;
let port: MessagePort | null = null;

const base = document.createElement("style");
base.textContent = `
  html { background: var(--paper, transparent); }
  body { margin: 0; padding: 1px 0; color: var(--ink); background: transparent; font: 420 13px/1.45 var(--ui, system-ui, sans-serif); overflow-x: auto; overflow-y: hidden; }
  a { color: var(--accent); }
  table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
  th, td { text-align: left; padding: 5px 12px; border-bottom: 1px solid var(--line); }
  th { border-bottom-color: var(--line-2); background: var(--sunken); font-weight: 600; white-space: nowrap; }
  pre, code { font-family: var(--code, monospace); font-size: 12.5px; }
  img, svg, video { max-width: 100%; }
  :focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
`;
document.head.append(base);

function show(html: string): void {
  root.innerHTML = html;
  // Scripts that come in as markup do not run by themselves; a copy made by script does, in order.
  for (const dead of root.querySelectorAll("script")) {
    const live = document.createElement("script");
    for (const attribute of dead.attributes) live.setAttribute(attribute.name, attribute.value);
    live.async = false;
    live.textContent = dead.textContent;
    dead.replaceWith(live);
  }
  report();
}

function report(): void {
  port?.postMessage({ type: "height", height: Math.ceil(root.getBoundingClientRect().height) });
}

function receive({ data }: MessageEvent): void {
  if (data?.type === "content") show(String(data.html));
  if (data?.type === "fonts") {
    for (const { family, data: font } of data.fonts as { family: string; data: ArrayBuffer }[]) {
      document.fonts.add(new FontFace(family, font, { weight: "100 900" }));
    }
  }
  if (data?.type === "theme") {
    document.documentElement.style.colorScheme = data.dark ? "dark" : "light";
    document.documentElement.dataset.theme = data.dark ? "dark" : "light";
    for (const [name, value] of Object.entries(data.tokens as Record<string, string>)) {
      document.documentElement.style.setProperty(name, value);
    }
  }
}

window.addEventListener("message", (event) => {
  if (event.source !== window.parent || event.data?.type !== "connect" || port) return;
  port = event.ports[0] ?? null;
  if (!port) return;
  port.onmessage = receive;
  new ResizeObserver(report).observe(root);
});
window.parent.postMessage({ type: "ready" }, "*");

export {};
