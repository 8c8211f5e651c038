import DOMPurify from "dompurify";

let drawn = 0;

/** Draws the diagrams below `root`; Mermaid itself is loaded with the first one. A source that does not parse stays as text with the reason. */
export async function drawDiagrams(root: HTMLElement, dark: boolean): Promise<void> {
  const { default: mermaid } = await import("mermaid");
  mermaid.initialize({
    startOnLoad: false,
    securityLevel: "strict",
    theme: dark ? "dark" : "neutral",
    fontFamily: getComputedStyle(document.documentElement).getPropertyValue("--ui"),
    htmlLabels: false,
    flowchart: { htmlLabels: false },
    suppressErrorRendering: true,
  });
  for (const place of root.querySelectorAll<HTMLElement>(".mermaid-source, .mermaid-drawn")) {
    const source = place.dataset.source ?? place.textContent ?? "";
    try {
      const { svg } = await mermaid.render(`diagram-${++drawn}`, source);
      const figure = document.createElement("figure");
      figure.className = "mermaid-drawn scroll";
      figure.dataset.source = source;
      figure.innerHTML = DOMPurify.sanitize(svg, { USE_PROFILES: { svg: true, svgFilters: true }, ADD_TAGS: ["style"], ADD_ATTR: ["dominant-baseline"] });
      place.replaceWith(figure);
    } catch (error) {
      place.title = error instanceof Error ? error.message : String(error);
      place.classList.add("wrong");
    }
  }
}
