// Bytes as a person reads them. What a client sent ends up in text nodes only; control and format characters, which could
// hide or reorder what stands beside them, are shown as dots.

const unprintable = /[\p{C}\p{Zl}\p{Zp}]/gu;

export function bytesOf(hex) {
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

export function visible(text) {
  return text.replace(unprintable, character => character === "\n" || character === "\t" ? character : "·");
}

/** UTF-8 text, or null where the bytes are none. */
export function textOf(bytes) {
  try {
    return visible(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return null;
  }
}

/** Offset, sixteen bytes and their ASCII per line. */
export function hexDump(bytes, limit = 4096) {
  const lines = [];
  for (let offset = 0; offset < Math.min(bytes.length, limit); offset += 16) {
    const row = bytes.subarray(offset, Math.min(offset + 16, bytes.length));
    const digits = Array.from(row, value => value.toString(16).padStart(2, "0"));
    const ascii = Array.from(row, value => value >= 0x20 && value < 0x7f ? String.fromCharCode(value) : "·").join("");
    lines.push(`${offset.toString(16).padStart(4, "0")}  ${digits.slice(0, 8).join(" ").padEnd(23)}  ${digits.slice(8).join(" ").padEnd(23)}  ${ascii}`);
  }
  if (bytes.length > limit) lines.push(`… ${bytes.length - limit} more bytes; the capture has all`);
  return lines.join("\n");
}

export function pretty(json) {
  try {
    return visible(JSON.stringify(JSON.parse(json), null, 2));
  } catch {
    return visible(json);
  }
}
