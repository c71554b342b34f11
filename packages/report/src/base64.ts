/** Bytes that become one string at a time: as many as a call takes for arguments everywhere. */
const CHUNK = 8192;

/** Encodes bytes in base64, in browsers and in Node. */
export function base64(bytes: Uint8Array): string {
  const text: string[] = [];
  for (let start = 0; start < bytes.length; start += CHUNK) {
    text.push(String.fromCharCode(...bytes.subarray(start, start + CHUNK)));
  }
  return btoa(text.join(''));
}
