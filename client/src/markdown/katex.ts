import "katex/dist/katex.min.css";
import katex from "katex";

/** A formula as markup; what KaTeX cannot read stands there in red with the reason as its title. */
export function drawFormula(source: string, displayMode: boolean): string {
  return katex.renderToString(source, { displayMode, throwOnError: false, output: "htmlAndMathml", trust: false, strict: "ignore" });
}
