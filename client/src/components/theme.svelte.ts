/** The theme chosen in this browser; without a choice the system's preference holds. public/theme.js applies it before the first paint. */
const media = window.matchMedia("(prefers-color-scheme: dark)");

class Theme {
  chosen = $state<"light" | "dark" | null>(read());
  #systemDark = $state(media.matches);

  constructor() {
    media.addEventListener("change", (event) => (this.#systemDark = event.matches));
  }

  get dark(): boolean {
    return this.chosen === null ? this.#systemDark : this.chosen === "dark";
  }

  toggle(): void {
    this.choose(this.dark ? "light" : "dark");
  }

  /** Null: as the system has it. */
  choose(choice: "light" | "dark" | null): void {
    this.chosen = choice;
    if (choice === null) delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = choice;
    try {
      if (choice === null) localStorage.removeItem("theme");
      else localStorage.setItem("theme", choice);
    } catch {
      // Storage may be forbidden; the choice then lasts as long as the page.
    }
  }
}

function read(): "light" | "dark" | null {
  const value = document.documentElement.dataset.theme;
  return value === "light" || value === "dark" ? value : null;
}

export const theme = new Theme();
