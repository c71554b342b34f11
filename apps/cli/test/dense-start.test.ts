import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { openTensorFile, writeSafetensors } from '@learngene/tensor-io/node';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { beforeAll, expect, test } from 'vitest';
import { fingerprint, run, sha256, succeed, trainTiny, writeImages } from './run';

const folder = temporaryFolder('cli');
const data = join(folder, 'images.safetensors');
const unbroken = join(folder, 'unbroken');
const resume = (out: string) => ['train', '--out', out, '--resume', '--engine', 'cpu'];

beforeAll(async () => {
  await writeImages(data);
  await succeed(...trainTiny(data, unbroken, 2, '--quiet'));
});

const dense = join(folder, 'dense.safetensors');

test('a dense model is taken apart as the start, and the resume of a run without checkpoint takes it again', async () => {
  const form = ['--form', 'dense', '--layout', 'facebook', '--out', dense];
  await succeed('assemble', '--from', unbroken, '--classes', 'bars', ...form);
  const [one, two] = [join(folder, 'dense-1'), join(folder, 'dense-2')];
  const settings = ['--init-from', dense, '--classes', 'bars', '--quiet'];
  await succeed(...trainTiny(data, one, 2, ...settings));
  await succeed(...trainTiny(data, two, 2, ...settings));
  rmSync(join(two, 'checkpoints/step-2'), { recursive: true });
  await succeed(...resume(two), '--quiet');
  expect(fingerprint(two, 2)).toEqual(fingerprint(one, 2));
  expect(sha256(join(one, 'checkpoints/step-2/ema.safetensors'))).toHaveLength(64);
  await succeed(...trainTiny(data, one, 3, ...settings), '--resume');
});

test('a start of another process is refused by name, and one that does not say its process is told', async () => {
  const start = (from: string, ...more: string[]) =>
    run(...trainTiny(data, join(folder, 'never'), 2, '--init-from', from, '--classes', 'bars', '--dry-run', ...more));
  const other = await start(dense, '--set', 'diffusion.prediction=epsilon', '--set', 'diffusion.timesteps=500');
  const words = `error --init-from ${dense}: its weights expect diffusion.prediction x0, got epsilon; diffusion.timesteps 1000, got 500`;
  expect([other.code, other.stderr]).toEqual([2, expect.stringContaining(words)]);
  const flow = await start(dense, '--set', 'diffusion.process=flow');
  expect(flow.stderr).toContain('expect diffusion.process gaussian, got flow; diffusion.prediction x0, got velocity');

  const file = await openTensorFile(dense);
  const tensors = new Map(await Promise.all(file.names.map(async (name) => [name, await file.read(name)] as const)));
  await file.close();
  const bare = join(folder, 'bare.safetensors');
  await writeSafetensors(bare, tensors);
  const told = await start(bare);
  expect([told.code, told.stderr]).toEqual([
    0,
    expect.stringContaining(
      `warning ${bare} does not say its diffusion process; the run takes it for one of process gaussian, prediction x0, timesteps 1000, schedule cosine`,
    ),
  ]);
});

test('a folder of diffusers is a start, which the command that began the run resumes', async () => {
  const [of, pipeline, out] = ['of', 'pipeline', 'from-pipeline'].map((name) => join(folder, name));
  const set = ['model.variant=diffusers', 'diffusion.prediction=epsilon', 'diffusion.schedule=linear'];
  const settings = ['--classes', 'bars', ...set.flatMap((setting) => ['--set', setting]), '--quiet'];
  await succeed(...trainTiny(data, of, 1, ...settings));
  const form = ['--form', 'dense', '--layout', 'diffusers', '--out', pipeline];
  await succeed('assemble', '--from', of, '--classes', 'bars', ...form);
  const begin = trainTiny(data, out, 2, '--init-from', pipeline, ...settings);
  await succeed(...begin);
  await succeed(...begin, '--resume');
});
