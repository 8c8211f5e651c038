/** A user's colour as CSS: an index 1–12 into the presence tokens, or a hex colour as it is; anything else is grey. */
export function presenceColor(color: string): string {
  if (/^([1-9]|1[0-2])$/.test(color)) return `var(--p${color})`;
  return /^#[0-9a-f]{6}$/i.test(color) ? color : "var(--p12)";
}
