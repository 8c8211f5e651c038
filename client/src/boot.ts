/** What the server writes into the page: who it is and where it is mounted. */
export interface Boot {
  /** Without a trailing slash; "" when the server is mounted at the root. */
  readonly basePath: string;
  readonly node: string;
  readonly version: string;
  readonly auth: "token" | "password" | "none";
  readonly user?: { readonly name?: string; readonly email?: string } | null;
}

const defaults: Boot = { basePath: "", node: "", version: "", auth: "none" };

/** Reads the page's boot data; defaults when the page was not served by the server (development, tests). */
export function readBoot(json: string | null | undefined): Boot {
  if (!json || json.trim() === "" || json.trim() === "__BOOT__") return defaults;
  const read = { ...defaults, ...(JSON.parse(json) as Partial<Boot>) };
  return { ...read, basePath: read.basePath.replace(/\/+$/, "") };
}

export const boot: Boot = readBoot(typeof document === "undefined" ? null : document.getElementById("boot")?.textContent);

/** The address of a path of this server: `url("/ui/session")`. */
export function url(path: string): string {
  return boot.basePath + (path.startsWith("/") ? path : `/${path}`);
}
