import { url } from "../boot";
import type { OutputData } from "../protocol";

/** Where a value above the size limit is served. */
export function blobUrl(session: string, hash: string, mime: string): string {
  return url(`sessions/${session}/blobs/${hash}?type=${encodeURIComponent(mime)}`);
}

const texts = new Map<string, Promise<string>>();
const kept = 64;

/** A value's text: at hand, or fetched by its hash once. */
export function textOf(session: string, data: OutputData, mime: string): string | Promise<string> {
  if (data.value !== null && data.value !== undefined) return data.value;
  if (!data.hash) return "";
  const address = blobUrl(session, data.hash, mime);
  let text = texts.get(address);
  if (!text) {
    text = read(address);
    // A failure is not kept, so that the next look tries again.
    text.catch(() => texts.delete(address));
    texts.set(address, text);
    if (texts.size > kept) texts.delete(texts.keys().next().value!);
  }
  return text;
}

async function read(address: string): Promise<string> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`This output could not be loaded (${response.status}). Run the cell again to make it anew.`);
  return response.text();
}
