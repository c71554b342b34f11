import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { NamedTensors } from '@learngene/tensor-io';
import { checkText } from '../core/arguments';
import { TINY_VAE_PRESETS, type TinyVaeConfig } from '../tiny/config';
import { vaeTensorShapes } from '../weights/checkpoint';
import { VAE_FILES } from '../weights/files';

/** The two files in which TAESD and its relatives are published, such as `taef2_encoder.pth` and `taef2_decoder.pth`. */
export interface TinyVaePair {
  /** What the names of both begin with, such as `taef2`; empty for `encoder.pth`. */
  readonly name: string;
  /** Path of the encoder's weights. */
  readonly encoder: string;
  /** Path of the decoder's weights. */
  readonly decoder: string;
}

const PART = /^(.*?)(encoder|decoder)(\.(?:pth|pt|safetensors))$/;

/**
 * The pair of TAESD's files at a path: one of the two, or a folder that holds one pair and no `config.json`.
 *
 * @returns undefined for anything else
 * @throws Error where one of the two is missing, and for a folder of several pairs, naming them
 */
export async function tinyVaePair(path: string): Promise<TinyVaePair | undefined> {
  checkText('path', path);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || (found.isDirectory() && existsSync(join(path, VAE_FILES.config)))) return undefined;
  const [folder, names] = found.isDirectory() ? [path, await readdir(path)] : [dirname(path), [basename(path)]];
  const parts = names.flatMap((file) => {
    const [, start, , end] = PART.exec(file) ?? [];
    return start === undefined ? [] : [{ start, end }];
  });
  const pairs = [...new Set(parts.map(({ start, end }) => `${start}*${end}`))];
  if (pairs.length === 0) return undefined;
  if (pairs.length > 1) {
    throw new Error(
      `${path}: expected one pair of an encoder and a decoder, got ${pairs.sort().join(', ')}; give a file of one`,
    );
  }
  const [encoder, decoder] = ['encoder', 'decoder'].map((part) => join(folder, pairs[0].replace('*', part)));
  for (const file of [encoder, decoder]) {
    if (!existsSync(file)) throw new Error(`${path}: expected ${basename(file)} beside it, got none`);
  }
  return { name: parts[0].start.replace(/[-_.]$/, ''), encoder, decoder };
}

/**
 * The network of a pair's tensors, with `encoder.` and `decoder.` before their names: the named configuration of their shapes.
 *
 * @throws Error where they are those of none
 */
export function tinyConfigOf(tensors: NamedTensors): TinyVaeConfig {
  const known = Object.entries(TINY_VAE_PRESETS).filter(([name]) => name !== 'shuffle'); // it has no such files
  const found = known.find(([, config]) => {
    const shapes = vaeTensorShapes(config, 'original');
    return (
      shapes.size === tensors.size && [...shapes].every(([key, shape]) => `${tensors.get(key)?.shape}` === `${shape}`)
    );
  });
  if (found !== undefined) return found[1];
  const names = known.map(([name]) => name).join(', ');
  throw new Error(
    `expected the weights of ${names} (encoder and decoder of one), got tensors of other names or shapes`,
  );
}
