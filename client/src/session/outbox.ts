import type { ClientOperation } from "../protocol";

export type SubmitResult = { readonly ok: true; readonly version: number } | { readonly ok: false; readonly reason: string };

/** Something to ask of the server. */
export interface Request {
  /** The operation as it reads now; null when the stream has shown that it happened. */
  build(): ClientOperation | null;
  done(result: SubmitResult): void;
  /** True while nothing may follow before this is answered. */
  holdsBack?(): boolean;
}

interface Waiting extends Request {
  readonly ref: number;
  readonly since: number;
  sent: boolean;
}

/** What was asked and not answered, in order. Everything is sent again after a reconnect with the same ref; the server does it once. */
export class Outbox {
  private waiting: Waiting[] = [];
  private lastRef = 0;

  /** @param send Sends; false when it cannot now. */
  constructor(private readonly send: (ref: number, operation: ClientOperation) => boolean) {}

  get size(): number {
    return this.waiting.length;
  }

  get oldestSince(): number | null {
    return this.waiting[0]?.since ?? null;
  }

  add(request: Request): void {
    this.waiting.push({ ...request, ref: ++this.lastRef, since: Date.now(), sent: false });
    this.pump();
  }

  /** After a join: everything again. */
  resend(): void {
    for (const entry of this.waiting) entry.sent = false;
    this.pump();
  }

  answer(ref: number, result: SubmitResult): void {
    const entry = this.waiting.find((waiting) => waiting.ref === ref);
    if (!entry) return;
    this.waiting = this.waiting.filter((waiting) => waiting !== entry);
    entry.done(result);
    this.pump();
  }

  /** Answers everything with a refusal. */
  fail(reason: string): void {
    for (const entry of this.waiting.splice(0)) entry.done({ ok: false, reason });
  }

  private pump(): void {
    for (const entry of [...this.waiting]) {
      if (!entry.sent) {
        const operation = entry.build();
        if (!operation) {
          this.waiting = this.waiting.filter((waiting) => waiting !== entry);
          entry.done({ ok: true, version: 0 });
          continue;
        }
        if (!this.send(entry.ref, operation)) return;
        entry.sent = true;
      }
      if (entry.holdsBack?.()) return;
    }
  }
}
