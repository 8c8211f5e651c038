import { url } from "../../../boot";
import { toasts } from "../../../components/toasts.svelte";
import { keptName } from "./file-names";

export interface Upload {
  readonly id: number;
  readonly name: string;
  readonly total: number;
  sent: number;
  cancel(): void;
}

/** How often an upload is sent again when the session's server changed meanwhile. */
const tries = 3;

/** Files on their way from this page into the notebook. */
export class Uploads {
  readonly active = $state<Upload[]>([]);
  private count = 0;

  constructor(private readonly session: string) {}

  /** Stores a file; answers with the name it got, or null when it could not be stored, which the page has been told then. */
  async add(file: File, name = keptName(file.name)): Promise<string | null> {
    for (let attempt = 1; ; attempt++) {
      const problem = await this.send(file, name);
      if (problem === null) return name;
      if (problem.status === 503 && attempt < tries) {
        await new Promise((done) => setTimeout(done, 1000));
        continue;
      }
      if (problem.text !== "") toasts.show(`${name} was not stored. ${problem.text}`);
      return null;
    }
  }

  async addAll(files: Iterable<File>): Promise<string[]> {
    const names: string[] = [];
    for (const file of files) {
      const name = await this.add(file);
      if (name !== null) names.push(name);
    }
    return names;
  }

  /** `fetch` does not tell how far an upload is. Null when it is stored. */
  private send(file: File, name: string): Promise<{ status: number; text: string } | null> {
    const request = new XMLHttpRequest();
    const id = ++this.count;
    this.active.push({ id, name, total: file.size, sent: 0, cancel: () => request.abort() });
    return new Promise<{ status: number; text: string } | null>((done) => {
      request.upload.onprogress = (event) => {
        const upload = this.active.find((other) => other.id === id);
        if (upload) upload.sent = event.loaded;
      };
      request.onload = () => done(request.status < 300 ? null : { status: request.status, text: detailOf(request.responseText) });
      request.onerror = () => done({ status: 0, text: "The server does not answer. Check the connection and try again." });
      request.onabort = () => done({ status: 0, text: "" });
      request.open("PUT", url(`ui/sessions/${this.session}/files/${encodeURIComponent(name)}`));
      request.setRequestHeader("content-type", "application/octet-stream");
      request.send(file);
    }).finally(() => {
      const at = this.active.findIndex((other) => other.id === id);
      if (at !== -1) this.active.splice(at, 1);
    });
  }
}

function detailOf(body: string): string {
  try {
    return (JSON.parse(body) as { detail?: string }).detail ?? "The server refused it.";
  } catch {
    return "The server refused it.";
  }
}

/** Address of a file of a notebook; with its hash, so that a replaced file is fetched anew. */
export const fileUrl = (session: string, name: string, hash: string | null): string =>
  url(`sessions/${session}/files/${encodeURIComponent(name)}`) + (hash === null ? "" : `?v=${hash.slice(0, 12)}`);
