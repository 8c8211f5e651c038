import DOMPurify from "dompurify";

let drawn = 0;

/** Drawings by theme and source: text that is edited beside a diagram does not draw it anew. */
const kept = new Map<string, string>();
const KeptDrawings = 50;

/** Draws the diagrams below `root`; Mermaid itself is loaded with the first one. A source that does not parse stays as text with the reason. */
export async function drawDiagrams(root: HTMLElement, dark: boolean): Promise<void> {
  const places = [...root.querySelectorAll<HTMLElement>(".mermaid-source, .mermaid-drawn")];
  const open = places.filter((place) => {
    const svg = kept.get(keyOf(sourceOf(place), dark));
    if (svg) show(place, svg);
    return !svg;
  });
  if (open.length === 0) return;
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
  for (const place of open) {
    // A later text may have taken its place meanwhile.
    if (!place.isConnected) continue;
    const source = sourceOf(place);
    try {
      const { svg } = await mermaid.render(`diagram-${++drawn}`, source);
      const clean = DOMPurify.sanitize(svg, { USE_PROFILES: { svg: true, svgFilters: true }, ADD_TAGS: ["style"], ADD_ATTR: ["dominant-baseline"] });
      kept.set(keyOf(source, dark), clean);
      if (kept.size > KeptDrawings) kept.delete(kept.keys().next().value!);
      show(place, clean);
    } catch (error) {
      place.title = error instanceof Error ? error.message : String(error);
      place.classList.add("wrong");
    }
  }
}

const sourceOf = (place: HTMLElement): string => place.dataset.source ?? place.textContent ?? "";

const keyOf = (source: string, dark: boolean): string => (dark ? "dark\n" : "light\n") + source;

function show(place: HTMLElement, svg: string): void {
  const figure = document.createElement("figure");
  figure.className = "mermaid-drawn scroll";
  figure.dataset.source = sourceOf(place);
  figure.innerHTML = svg;
  place.replaceWith(figure);
}
