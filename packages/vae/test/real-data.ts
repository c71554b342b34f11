import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TensorData } from '@learngene/tensor-io';
import { unzipSync } from 'fflate';
import { type VaeConfig, vaeTensorShapes } from '../src/index';

/** A folder with published weights that the repository does not hold; undefined where there is none. */
export function realFolder(name: string): string | undefined {
  const root = process.env.LEARNGENE_REAL_DATA;
  if (!root) return undefined;
  const folder = join(root, name);
  if (!existsSync(folder)) throw new Error(`LEARNGENE_REAL_DATA: expected a folder ${name} in it, got none`);
  return folder;
}

/** The weights of TAESD's two files, in its layout. */
export function readTaesd(folder: string, file: string, config: VaeConfig): Map<string, TensorData> {
  const shapes = vaeTensorShapes(config, 'original');
  const tensors = new Map<string, TensorData>();
  for (const part of ['encoder', 'decoder']) {
    for (const [name, data] of readHalfs(join(folder, `${file}_${part}.pth`))) {
      const key = `${part}.${name}`;
      tensors.set(key, { dtype: 'F16', shape: shapes.get(key) ?? [data.length], data });
    }
  }
  return tensors;
}

/**
 * The half-precision tensors of a file that torch wrote, flat: a zip of one pickle and the bytes of every tensor. In the pickle
 * the text of a name is followed by the text of the number of its bytes.
 */
function readHalfs(path: string): [name: string, data: Uint16Array][] {
  const files = unzipSync(new Uint8Array(readFileSync(path)));
  const [[pickle, bytes]] = Object.entries(files).filter(([name]) => name.endsWith('/data.pkl'));
  const root = pickle.slice(0, -'data.pkl'.length);
  const texts = shortTexts(bytes);
  return texts.flatMap((text, i): [string, Uint16Array][] => {
    if (!/\.(weight|bias)$/.test(text)) return [];
    const number = texts.slice(i + 1).find((next) => /^\d+$/.test(next));
    const data = files[`${root}data/${number}`];
    return [[text, new Uint16Array(data.slice().buffer)]];
  });
}

/** The texts of a pickle of protocol 2, in order: an X, four bytes of length, UTF-8. */
function shortTexts(bytes: Uint8Array): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const texts: string[] = [];
  for (let at = 0; at + 5 <= bytes.length; at++) {
    if (bytes[at] !== 0x58) continue;
    const length = view.getUint32(at + 1, true);
    const text = length <= 64 ? new TextDecoder().decode(bytes.subarray(at + 5, at + 5 + length)) : '';
    if (/^[\w. ]+$/.test(text) && text.length === length) {
      texts.push(text);
      at += 4 + length;
    }
  }
  return texts;
}
