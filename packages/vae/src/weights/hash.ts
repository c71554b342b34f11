import { type NamedTensors, tensorBytes } from '@learngene/tensor-io';
import { type VaeConfig, validateVaeConfig } from '../config';
import { checkTensors } from '../core/arguments';

/**
 * What identifies an autoencoder in caches of latents and in recipes: the SHA-256, as 64 hexadecimal digits, of its
 * configuration and of every tensor's name, dtype, shape and bytes as they are stored. The order of names and of fields does not
 * matter; a copy with the same numbers in another dtype has another hash.
 *
 * @param tensors - in the 'learngene' layout.
 * @throws where the platform has no Web Crypto (a page without https)
 */
export async function vaeHash(tensors: NamedTensors, config: VaeConfig): Promise<string> {
  checkTensors(tensors);
  validateVaeConfig(config);
  const rows: unknown[] = [];
  for (const name of [...tensors.keys()].sort()) {
    const tensor = tensors.get(name)!;
    rows.push([name, tensor.dtype, tensor.shape, await sha256(tensorBytes(tensor))]);
  }
  const fields = Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1));
  return sha256(new TextEncoder().encode(JSON.stringify(['learngene-vae-1', fields, rows])));
}

async function sha256(bytes: Uint8Array): Promise<string> {
  const { crypto } = globalThis;
  if (!crypto?.subtle) {
    throw new Error('crypto.subtle: expected Web Crypto (a page needs https or localhost), got none');
  }
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
