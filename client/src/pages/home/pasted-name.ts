/** The file name that tells the server how to read pasted text. */
export function pastedName(source: string): string {
  const text = source.trimStart();
  if (text.startsWith("{")) return "notebook.ipynb";
  return text.startsWith("#!") ? "notebook.dib" : "notebook.livemd";
}
