/**
 * How many keys a JSON text holds at the depths 1 and 2. `text` must already have been accepted by JSON.parse, so a
 * count above that of the parsed objects' keys means that a key stands twice.
 */
export function countKeys(text: string): number {
  let depth = 0;
  let keys = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22) {
      for (i++; text.charCodeAt(i) !== 0x22; i++) if (text.charCodeAt(i) === 0x5c) i++;
    } else if (code === 0x7b || code === 0x5b) depth++;
    else if (code === 0x7d || code === 0x5d) depth--;
    else if (code === 0x3a && depth <= 2) keys++;
  }
  return keys;
}
