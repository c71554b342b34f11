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
  ...set('model.decoderBlocks=[1,1]', 'training.sampleEvery=0', 'training.batchSize=4', 'data.holdOut=0.2'),
  ...['--engine', 'cpu'],
];

test.skipIf(windows)('vae train stops at Ctrl-C with a checkpoint', async () => {
  const long = ['--steps', '100000', ...set('training.logEvery=1')];
  const training = start(['vae', 'train', '--data', images, '--out', out, ...long, ...small]);
  const checkpoints = join(out, 'checkpoints');
  while (!existsSync(join(out, 'metrics.jsonl')) && training.child.exitCode === null)
    await new Promise((resolve) => setTimeout(resolve, 50));
  training.child.kill('SIGINT');
  const { code, stderr } = await training.finished;
  expect(code).toBe(130);
  expect(stderr).toMatch(/interrupted after step \d+; a checkpoint was written; continue with --resume/);
  expect(readdirSync(checkpoints)).toHaveLength(1);
});

test('vae train resumes, and leaves an autoencoder', async () => {
  const short = join(folder, 'short');
  await succeed('vae', 'train', '--data', images, '--out', short, '--steps', '3', ...small);
  const { stdout } = await succeed('vae', 'train', '--out', short, '--resume', '--engine', 'cpu', '--json');
  const { folder: autoencoder, steps, meanSquaredError } = JSON.parse(stdout);
  expect([autoencoder, steps]).toEqual([join(short, 'autoencoder'), 3]);
  expect(meanSquaredError).toBeGreaterThan(0);
  expect(JSON.parse(readFileSync(join(autoencoder, 'config.json'), 'utf8'))).toMatchObject({ encoderWidths: [4, 6] });
  expect(existsSync(join(autoencoder, 'model.safetensors'))).toBe(true);
});

test('--vae emoji is the shipped autoencoder, for encoding, training, transfer and samples', {
  timeout: 180_000,
}, async () => {
  const at = (name: string) => join(folder, name);
  const pictures = at('pictures.safetensors');
  await writeImages(pictures, { size: 16, perClass: 4 });
  const shape = set('model.patchSize=1', 'model.hiddenSize=16', 'model.depth=1', 'model.heads=2');
  const ranks = set('model.learngeneRank=5', 'model.tailorRank=2');
  const process = set('diffusion.process=flow', 'sampling.sampler=euler', 'sampling.steps=2', 'training.sampleEvery=0');
  const cpu = ['--engine', 'cpu', '--quiet'];
  const emoji = ['--vae', 'emoji'];
  const usedBy = async (run: string) =>
    JSON.parse(readFileSync(join(at(run), 'config.json'), 'utf8')).config.autoencoder;

  await succeed('data', 'latents', '--data', pictures, ...emoji, '--out', at('latents'), ...cpu);
  const { autoencoder } = JSON.parse(readFileSync(join(at('latents'), 'latents.json'), 'utf8'));
  expect(autoencoder).toMatchObject({ name: 'emoji', latentChannels: 16, downscale: 8 });
  expect(autoencoder).not.toHaveProperty('path');

  const train = ['train', '--steps', '2', '--batch-size', '4', '--novel', 'flat', ...shape, ...ranks, ...process];
  await succeed(...train, '--data', pictures, ...emoji, '--out', at('model'), ...cpu);
  expect(await usedBy('model')).toEqual(autoencoder);
  await succeed(...train, '--latents', at('latents'), '--out', at('cached'), ...cpu);
  expect(await usedBy('cached')).toEqual(autoencoder);
  const learn = ['transfer', '--from', at('model'), '--classes', 'flat', '--steps', '2', '--batch-size', '4'];
  await succeed(...learn, ...emoji, '--out', at('learned'), ...cpu);
  expect(await usedBy('learned')).toEqual(autoencoder);

  const sample = ['sample', '--from', at('learned'), '--out', at('model.png'), ...cpu];
  await succeed(...sample);
  await succeed(...sample, ...emoji, '--force');
  const refused = await run(...sample, '--vae', 'emojis', '--force');
  expect(refused.stderr).toMatch(
    '--vae: expected the path of an autoencoder\'s folder or a shipped one (emoji), got "emojis"',
  );
  expect(refused.code).toBe(2);
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
