export type Route =
  | { readonly page: "home" }
  | { readonly page: "cluster" }
  | { readonly page: "settings" }
  | { readonly page: "session"; readonly id: string }
  | { readonly page: "authenticate" }
  | { readonly page: "lost" };

/** Which page an address is; addresses outside the base path are lost. */
export function routeOf(pathname: string, basePath: string): Route {
  if (pathname !== basePath && !pathname.startsWith(`${basePath}/`)) return { page: "lost" };
  const path = pathname.slice(basePath.length).replace(/\/+$/, "");
  if (path === "") return { page: "home" };
  if (path === "/cluster") return { page: "cluster" };
  if (path === "/settings") return { page: "settings" };
  if (path === "/authenticate") return { page: "authenticate" };
  const id = /^\/sessions\/([A-Za-z0-9_-]+)$/.exec(path)?.[1];
  return id ? { page: "session", id } : { page: "lost" };
}
