import { boot, url } from "../boot";
import { type Route, routeOf } from "./route-of";

class Router {
  route = $state<Route>(routeOf(location.pathname, boot.basePath));

  constructor() {
    window.addEventListener("popstate", () => (this.route = routeOf(location.pathname, boot.basePath)));
  }

  /** Goes to a path of this server, or to a whole address the server named. */
  go(path: string): void {
    const target = new URL(path.startsWith("http") || (boot.basePath && path.startsWith(boot.basePath)) ? path : url(path), location.origin);
    if (target.origin !== location.origin) {
      location.assign(target);
      return;
    }
    history.pushState(null, "", target);
    this.route = routeOf(target.pathname, boot.basePath);
    window.scrollTo(0, 0);
  }

  /** For links: a plain click stays in the page, anything else is the browser's. */
  follow = (event: MouseEvent): void => {
    const link = (event.target as Element).closest?.("a[href]");
    if (!(link instanceof HTMLAnchorElement) || event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || link.target || link.hasAttribute("download")) return;
    const target = new URL(link.href);
    if (target.origin !== location.origin || routeOf(target.pathname, boot.basePath).page === "lost") return;
    if (target.pathname === location.pathname && target.hash) return;
    event.preventDefault();
    this.go(target.pathname + target.hash);
  };
}

export const router = new Router();
