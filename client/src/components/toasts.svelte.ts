export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly level: "info" | "bad";
  readonly action?: { readonly label: string; readonly run: () => void };
}

/** Short messages for what is not visible anyway; with an action they stay 10 s, else 6 s. */
class ToastList {
  list = $state<Toast[]>([]);
  #next = 1;

  show(text: string, options: { level?: "info" | "bad"; action?: Toast["action"] } = {}): void {
    const toast: Toast = { id: this.#next++, text, level: options.level ?? "info", action: options.action };
    this.list = [...this.list.slice(-2), toast];
    setTimeout(() => this.close(toast.id), toast.action ? 10_000 : 6_000);
  }

  close(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }
}

export const toasts = new ToastList();
