/** How others see this user. */
export interface User {
  readonly name: string;
  /** Index 1–12 into the presence colours, or a CSS hex colour. */
  readonly color: string;
}

const Key = "livebook.user";

/** The user as this browser remembers it; a nameless one with a random colour the first time. */
export function loadUser(fallbackName: string): User {
  try {
    const saved = JSON.parse(localStorage.getItem(Key) ?? "null") as Partial<User> | null;
    if (typeof saved?.name === "string" && typeof saved.color === "string") return { name: saved.name, color: saved.color };
  } catch {
    // No storage, or something else wrote there: the user is new.
  }
  const user = { name: fallbackName, color: String(1 + Math.floor(Math.random() * 12)) };
  saveUser(user);
  return user;
}

export function saveUser(user: User): void {
  try {
    localStorage.setItem(Key, JSON.stringify(user));
  } catch {
    // No storage: the name holds for this page.
  }
}
