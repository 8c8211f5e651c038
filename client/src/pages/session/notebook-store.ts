import { SessionStore } from "../../session/session-store.svelte";

/** What the session page needs of a session; the fixture pages put a made one in its place. */
export type NotebookStore = Pick<
  SessionStore,
  | "id"
  | "self"
  | "view"
  | "clients"
  | "connection"
  | "user"
  | "refusals"
  | "orphans"
  | "readOnly"
  | "text"
  | "cellText"
  | "edited"
  | "submit"
  | "newId"
  | "setUser"
  | "dismissRefusal"
  | "dismissOrphan"
  | "presenceOf"
  | "watchPresence"
  | "reportPresence"
  | "dispose"
>;

declare global {
  interface Window {
    /** Set by the fixture pages only. */
    fixtureSession?: (id: string) => NotebookStore;
  }
}

export function createStore(id: string): NotebookStore {
  return window.fixtureSession?.(id) ?? new SessionStore(id);
}
