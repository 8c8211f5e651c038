import code from "@fontsource-variable/jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2?url";
import ui from "@fontsource-variable/inter/files/inter-latin-opsz-normal.woff2?url";

/** A font as an output's frame takes it. */
export interface FrameFont {
  readonly family: string;
  readonly data: ArrayBuffer;
}

let fonts: Promise<FrameFont[]> | undefined;

/** The page's fonts for frames: a frame without an origin shares no cache with the page, so each would load them anew. */
export function loadFonts(): Promise<FrameFont[]> {
  fonts ??= Promise.all([load("Inter Variable", ui), load("JetBrains Mono Variable", code)]).catch(() => []);
  return fonts;
}

async function load(family: string, address: string): Promise<FrameFont> {
  const response = await fetch(new URL(address, import.meta.url));
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return { family, data: await response.arrayBuffer() };
}
