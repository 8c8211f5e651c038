/** Something of the server that is asked for again and again while the page is visible. */
export class Polled<T> {
  /** The last answer; null until the first one. */
  value: T | null = $state.raw(null);
  /** Why there was none the last time. */
  error: string | null = $state(null);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking = false;
  #again = false;
  #disposed = false;

  constructor(
    private readonly ask: () => Promise<T>,
    private readonly everyMs: number,
  ) {
    document.addEventListener("visibilitychange", this.#shown);
    void this.refresh();
  }

  /** Asks now; while an answer is awaited, once more behind it. */
  async refresh(): Promise<void> {
    if (this.#asking) {
      this.#again = true;
      return;
    }
    this.#asking = true;
    clearTimeout(this.#timer);
    do {
      this.#again = false;
      try {
        const value = await this.ask();
        if (this.#disposed) return;
        this.value = value;
        this.error = null;
      } catch (error) {
        this.error = error instanceof Error ? error.message : String(error);
      }
    } while (this.#again && !this.#disposed);
    this.#asking = false;
    if (!this.#disposed && !document.hidden) this.#timer = setTimeout(() => void this.refresh(), this.everyMs);
  }

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#timer);
    document.removeEventListener("visibilitychange", this.#shown);
  }

  #shown = (): void => {
    if (!document.hidden) void this.refresh();
  };
}
