import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { beforeAll, expect, test } from 'vitest';
import { run, start, succeed, windows, writeImages } from './run';

const folder = temporaryFolder('cli-vae');
const images = join(folder, 'images.safetensors');
const out = join(folder, 'run');
beforeAll(() => writeImages(images));

const set = (...assignments: string[]) => assignments.flatMap((assignment) => ['--set', assignment]);
const small = [
  ...set('model.encoderWidths=[4,6]', 'model.decoderWidths=[6,4]', 'model.encoderBlocks=[1,1]'),
  ...set('model.decoderBlocks=[1,1]', 'training.sampleEvery=0', 'data.holdOut=0.2'),
  ...['--engine', 'cpu'],
];

test.skipIf(windows)('vae train stops at Ctrl-C with a checkpoint, resumes, and leaves an autoencoder', async () => {
  const training = start(['vae', 'train', '--data', images, '--out', out, '--steps', '100000', ...small]);
  const checkpoints = join(out, 'checkpoints');
  while (!existsSync(join(out, 'metrics.jsonl'))) await new Promise((resolve) => setTimeout(resolve, 50));
  training.child.kill('SIGINT');
  const { code, stderr } = await training.finished;
  expect(code).toBe(130);
  expect(stderr).toMatch(/interrupted after step \d+; a checkpoint was written; continue with --resume/);
  expect(readdirSync(checkpoints)).toHaveLength(1);

  const short = join(folder, 'short');
  await succeed('vae', 'train', '--data', images, '--out', short, '--steps', '3', ...small);
  const { stdout } = await succeed('vae', 'train', '--out', short, '--resume', '--engine', 'cpu', '--json');
  const { folder: autoencoder, steps, meanSquaredError } = JSON.parse(stdout);
  expect([autoencoder, steps]).toEqual([join(short, 'autoencoder'), 3]);
  expect(meanSquaredError).toBeGreaterThan(0);
  expect(JSON.parse(readFileSync(join(autoencoder, 'config.json'), 'utf8'))).toMatchObject({ encoderWidths: [4, 6] });
  expect(existsSync(join(autoencoder, 'model.safetensors'))).toBe(true);
});

test('vae train refuses by name what it does not know', async () => {
  const other = join(folder, 'other');
  const refusal = async (...args: string[]) => {
    const { code, stderr } = await run('vae', 'train', '--out', other, ...args);
    return [code, stderr];
  };
  expect(await refusal('--data', images, '--set', 'loss.l2=1')).toEqual([2, expect.stringContaining('loss.l2')]);
  expect(await refusal('--data', join(folder, 'none.d'))).toEqual([2, expect.stringContaining('none.d')]);
  expect(await refusal()).toEqual([2, expect.stringContaining('--data: no data given')]);
  expect(existsSync(other)).toBe(false);
});
