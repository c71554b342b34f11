import { basename } from 'node:path';
import { readTensors, sha256File } from '@learngene/tensor-io/node';
import { type InceptionParams, inceptionParams } from './params';

/** Inception v3 read from a file. */
export interface LoadedInception {
  /** Parameters; the caller owns them. */
  readonly params: InceptionParams;
  /** SHA-256 of the file, hexadecimal. */
  readonly sha256: string;
}

/** The first digits of the SHA-256, as torch's hub writes them into the name of a file. */
const DIGITS = /-([0-9a-f]{8,64})\.[a-z]+$/i;

/**
 * Reads Inception v3 from the file of pytorch-fid or torch-fidelity (`.pth`), or from a safetensors file made of one of them.
 * Where the file's name ends with digits of its SHA-256, as theirs do, they are checked.
 *
 * @throws RangeError that names the file, where its bytes are not those of its name or the tensors do not fit; a
 *   TensorFileError of `@learngene/tensor-io` for a file that breaks its format.
 */
export async function loadInception(path: string): Promise<LoadedInception> {
  const sha256 = await sha256File(path);
  const named = DIGITS.exec(basename(path))?.[1].toLowerCase();
  if (named !== undefined && !sha256.startsWith(named)) {
    throw new RangeError(
      `${path}: expected a SHA-256 that begins with ${named}, as the file's name says, got ${sha256}`,
    );
  }
  return { params: inceptionParams(path, await readTensors(path)), sha256 };
}
