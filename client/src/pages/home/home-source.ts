import { HomeStore } from "../../session/home-store.svelte";

/** What the home page shows; the tests put a made one in its place. */
export type HomeSource = Pick<HomeStore, "sessions" | "cluster" | "connection" | "dispose">;

declare global {
  interface Window {
    /** Set by the fixture pages only. */
    fixtureHome?: () => HomeSource;
  }
}

export function createHome(): HomeSource {
  return window.fixtureHome?.() ?? new HomeStore();
}
