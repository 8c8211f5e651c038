const Letters = "abcdefghijklmnopqrstuvwxyz0123456789";

/** A new id: 16 random characters of a–z and 0–9, about 82 bits. */
export function newId(): string {
  const bytes = new Uint8Array(32);
  let id = "";
  while (id.length < 16) {
    crypto.getRandomValues(bytes);
    // 252 = 7 × 36: bytes from there on would favour the first letters.
    for (const byte of bytes) if (byte < 252 && id.length < 16) id += Letters[byte % 36];
  }
  return id;
}
