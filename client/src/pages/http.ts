import { url } from "../boot";

/** An answer of the server that says no: `title` says what, `detail` what to do. */
export class HttpProblem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    /** The problem's type, e.g. `file-exists`. */
    readonly type: string,
    /** Where the thing in the way is, e.g. the session that has the file. */
    readonly where: string | null,
  ) {
    super(detail ? `${title} ${detail}` : title);
  }
}

export interface OpenedSession {
  readonly id: string;
  readonly url: string;
  readonly warnings?: readonly string[];
}

export interface FileEntry {
  readonly name: string;
  readonly kind: "directory" | "notebook" | "other";
  readonly size: number;
  readonly modifiedAt: string;
  /** Id of the session that has the file open. */
  readonly session?: string | null;
}

export interface FileListing {
  /** Whose files these are; asked for again with each further listing, since a load balancer may send that to another node. */
  readonly node: string;
  readonly path: string;
  readonly parent: string | null;
  readonly entries: readonly FileEntry[];
}

export const openNotebook = (what: { path?: string; node?: string | null; source?: string; name?: string }): Promise<OpenedSession> =>
  send("POST", "ui/sessions", what);

export const uploadNotebook = (file: File): Promise<OpenedSession> =>
  request("POST", `ui/upload?name=${encodeURIComponent(file.name)}`, file, "application/octet-stream");

/** Files of a node; of whichever answers, and of its home folder, unless told otherwise. */
export const listFiles = (path: string | null, node: string | null): Promise<FileListing> => {
  const query = new URLSearchParams();
  if (path !== null) query.set("path", path);
  if (node !== null) query.set("node", node);
  return request("GET", `ui/files?${query}`);
};

export const closeSession = (id: string): Promise<void> => request("DELETE", `ui/sessions/${id}`);

export const forkSession = (id: string): Promise<OpenedSession> => send("POST", `ui/sessions/${id}/fork`, {});

export const setFile = (id: string, path: string, node: string, overwrite: boolean): Promise<void> =>
  send("PUT", `ui/sessions/${id}/file`, { path, node, overwrite });

export function send<T>(method: string, path: string, body: unknown): Promise<T> {
  return request(method, path, JSON.stringify(body), "application/json");
}

export async function request<T>(method: string, path: string, body?: BodyInit, contentType?: string): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url(path), { method, body, headers: contentType ? { "content-type": contentType } : {} });
  } catch {
    throw new HttpProblem(0, "The server does not answer.", "Check the connection and try again.", "", null);
  }
  if (response.status === 401) {
    location.assign(`${url("authenticate")}?redirect_to=${encodeURIComponent(location.pathname)}`);
  }
  if (!response.ok) throw await problem(response);
  if (response.status === 204) return undefined as T;
  const text = await response.text();
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

async function problem(response: Response): Promise<HttpProblem> {
  const read = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  const word = (key: string): string | null => (typeof read[key] === "string" ? (read[key] as string) : null);
  return new HttpProblem(
    response.status,
    word("title") ?? `The server answered ${response.status}.`,
    word("detail") ?? "",
    word("type") ?? "",
    word("url") ?? word("session"),
  );
}

/** What to show for anything that was thrown. */
export function told(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
