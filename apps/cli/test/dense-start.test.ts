import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { beforeAll, expect, test } from 'vitest';
import { fingerprint, sha256, succeed, trainTiny, writeImages } from './run';

const folder = temporaryFolder('cli');
const data = join(folder, 'images.safetensors');
const unbroken = join(folder, 'unbroken');
const resume = (out: string) => ['train', '--out', out, '--resume', '--engine', 'cpu'];

beforeAll(async () => {
  await writeImages(data);
  await succeed(...trainTiny(data, unbroken, 2, '--quiet'));
});

test('a dense model is taken apart as the start, and the resume of a run without checkpoint takes it again', async () => {
  const dense = join(folder, 'dense.safetensors');
  await succeed(
    'assemble',
    '--from',
    unbroken,
    '--classes',
    'bars',
    '--form',
    'dense',
    '--layout',
    'facebook',
    '--out',
    dense,
  );
  const [one, two] = [join(folder, 'dense-1'), join(folder, 'dense-2')];
  const settings = ['--init-from', dense, '--classes', 'bars', '--quiet'];
  await succeed(...trainTiny(data, one, 2, ...settings));
  await succeed(...trainTiny(data, two, 2, ...settings));
  rmSync(join(two, 'checkpoints/step-2'), { recursive: true });
  await succeed(...resume(two), '--quiet');
  expect(fingerprint(two, 2)).toEqual(fingerprint(one, 2));
  expect(sha256(join(one, 'checkpoints/step-2/ema.safetensors'))).toHaveLength(64);
});
