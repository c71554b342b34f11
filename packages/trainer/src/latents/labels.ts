import { createHash } from 'node:crypto';

/** SHA-256 of labels as little-endian int32. */
export function labelsHash(labels: Int32Array): string {
  const bytes = new DataView(new ArrayBuffer(4 * labels.length));
  for (const [i, label] of labels.entries()) bytes.setInt32(4 * i, label, true);
  return createHash('sha256').update(new Uint8Array(bytes.buffer)).digest('hex');
}
