/** The SHA-256 of some bytes as 64 hexadecimal digits, by the platform's Web Crypto. */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const { crypto } = globalThis;
  if (!crypto?.subtle)
    throw new Error('crypto.subtle: expected Web Crypto (a page needs https or localhost), got none');
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
