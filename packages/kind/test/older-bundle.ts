import { decodeSafetensors, encodeSafetensors } from '@learngene/tensor-io';
import { sha256 } from '../src/bundle/sha256';

interface Json {
  version: number;
  base?: string;
  checksum?: string;
  metadata: Record<string, string>;
  files: { tailors: { file: string; bytes: number; sha256: string }[] };
}

/**
 * The files of a bundle as version 1 (of a DiT) or 2 (of another network) wrote them, without base and labels, or version 3, without
 * checksum.
 */
export async function olderBundle(files: ReadonlyMap<string, Uint8Array>, version: 1 | 2 | 3) {
  const older = new Map(files);
  const manifest = JSON.parse(new TextDecoder().decode(files.get('kind.json'))) as Json;
  manifest.version = version;
  delete manifest.checksum;
  const write = () => older.set('kind.json', new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`));
  if (version === 3) return write();
  delete manifest.base;
  delete manifest.metadata.images;
  for (const entry of manifest.files.tailors) {
    const bytes = encodeSafetensors(decodeSafetensors(files.get(entry.file)!).tensors);
    older.set(entry.file, bytes);
    Object.assign(entry, { bytes: bytes.length, sha256: await sha256(bytes) });
  }
  return write();
}
