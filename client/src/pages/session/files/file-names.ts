/** The name under which a file is kept: letters, digits, `_`, `-` and `.`, with an extension. */
export function keptName(name: string): string {
  const plain = name
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replace(/[^A-Za-z0-9_.-]+/g, "_")
    .replace(/^[.-]+/, "")
    .slice(-180);
  if (plain === "") return "file.bin";
  return /\.[A-Za-z0-9_]+$/.test(plain) && !/^\.[^.]*$/.test(plain) ? plain : `${plain.replace(/[.-]+$/, "")}.bin`;
}

const images = /\.(png|jpe?g|gif|svg|webp|avif)$/i;

export const isImage = (name: string): boolean => images.test(name);

/** C# that reads a file of the notebook. */
export function codeToRead(name: string): string {
  const path = `Files.Path("${name}")`;
  if (/\.(txt|md|log|xml|html|yaml|yml)$/i.test(name)) return `var text = File.ReadAllText(${path});`;
  if (/\.(csv|tsv)$/i.test(name)) return `var lines = File.ReadAllLines(${path});`;
  if (/\.json$/i.test(name)) return `var json = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(${path}));`;
  return `var bytes = File.ReadAllBytes(${path});`;
}
