import type { ClientOperation } from "../protocol";

export type SubmitResult = { readonly ok: true; readonly version: number } | { readonly ok: false; readonly reason: string };

/** Something the server has not answered. */
interface Waiting {
  readonly ref: number;
  readonly since: number;
  /** The operation as it reads now; null when the stream has shown that it happened. */
  build(): ClientOperation | null;
  done(result: SubmitResult): void;
}

/** What was asked and not answered, in order. Everything is sent again after a reconnect with the same ref; the server does it once. */
export class Outbox {
  private readonly waiting: Waiting[] = [];
  private lastRef = 0;

  /** @param send Sends when it can; what it cannot send now is sent by `resend`. */
  constructor(private readonly send: (ref: number, operation: ClientOperation) => void) {}

  get size(): number {
    return this.waiting.length;
  }

  get oldestSince(): number | null {
    return this.waiting[0]?.since ?? null;
  }

  add(build: () => ClientOperation | null, done: (result: SubmitResult) => void): void {
    const operation = build();
    if (!operation) return;
    const ref = ++this.lastRef;
    this.waiting.push({ ref, since: Date.now(), build, done });
    this.send(ref, operation);
  }

  resend(): void {
    for (const entry of [...this.waiting]) {
      const operation = entry.build();
      if (operation) this.send(entry.ref, operation);
      else this.answer(entry.ref, { ok: true, version: 0 });
    }
  }

  answer(ref: number, result: SubmitResult): void {
    const index = this.waiting.findIndex((entry) => entry.ref === ref);
    if (index >= 0) this.waiting.splice(index, 1)[0]!.done(result);
  }

  /** Answers everything with a refusal. */
  fail(reason: string): void {
    for (const entry of this.waiting.splice(0)) entry.done({ ok: false, reason });
  }
}
