import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { beforeAll } from 'vitest';
import { succeed, trainTiny, writeImages } from './run';

/** A folder with a packed dataset of small images and a file that is none, written before the tests of a file. */
export function imagesFolder() {
  const folder = temporaryFolder('cli');
  const data = join(folder, 'images.safetensors');
  const damaged = join(folder, 'damaged.safetensors');
  beforeAll(async () => {
    await writeImages(data);
    writeFileSync(damaged, 'no tensors at all, only words that fill a line');
  });
  return { folder, data, damaged, source: ['--data', 'packed', '--data-path', data] };
}

/** A folder with such a dataset, a run of four steps that left out one class, and its bundle. */
export function modelFolder() {
  const { folder, data } = imagesFolder();
  const at = (...names: string[]) => join(folder, ...names);
  const [base, bundle] = [at('base'), at('bundle')];
  const cpu = ['--engine', 'cpu'];
  beforeAll(async () => {
    await succeed(...trainTiny(data, base, 4, '--novel', 'flat', '--quiet'));
    await succeed('decompose', '--from', base, '--out', bundle, ...cpu, '--quiet');
  });
  return { at, data, base, bundle, cpu };
}
