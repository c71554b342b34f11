import { createHash } from 'node:crypto';
import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { saveBundle } from '@learngene/kind/node';
import { disposeParams, type ParamTree } from '@learngene/nn';
import { expectNoLeak } from '@learngene/testing';
import '@tensorflow/tfjs-backend-cpu';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../errors';
import type { SampleOptions } from '../pipeline/pipeline';
import { loadModel } from './load-model';
import { openPipeline } from './open-pipeline';

const fixtures = fileURLToPath(new URL('../../fixtures/format-1', import.meta.url));
const work = temporaryFolder('pipeline');

/** Calls of `learngene sample` of an older version, and what they drew. */
const calls: { from: string; options: SampleOptions; sha256: string }[] = JSON.parse(
  readFileSync(join(fixtures, 'expected.json'), 'utf8'),
);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

beforeAll(() => tf.setBackend('cpu')); // the engine that drew the images

describe('the images are those that `learngene sample` drew before', () => {
  test.each(calls.map((call) => ({ ...call, title: JSON.stringify(call.options) })))(
    '$from $title',
    async ({ from, options, sha256: hash }) => {
      await expectNoLeak(async () => {
        const pipeline = await openPipeline(join(fixtures, from));
        const images = await pipeline.sample(options);
        pipeline.dispose();
        const classes = options.classes?.length ?? pipeline.classNames.length;
        expect(images).toMatchObject({ count: classes * (options.count ?? 1), height: 8, width: 8, channels: 3 });
        expect(sha256(images.data)).toBe(hash);
      });
    },
  );
});

test('a demo is sampled by its pre-training run, which is said', async () => {
  const demo = join(work, 'demo');
  cpSync(join(fixtures, 'run'), join(demo, 'pretrain'), { recursive: true });
  cpSync(join(fixtures, 'expected.json'), join(demo, 'demo.json'));
  const notes: string[] = [];
  const progress = {
    info: (text: string) => notes.push(text),
    warn() {},
    startBar: () => ({ update() {}, stop() {} }),
  };
  const pipeline = await openPipeline(demo, { progress });
  expect(sha256((await pipeline.sample(calls[0].options)).data)).toBe(calls[0].sha256);
  expect(notes.join()).toMatch(/is a demo.*taking the first/);
  pipeline.dispose();
});

test('of a bundle only the tailors of the classes that are named are read', async () => {
  const bundle = join(work, 'one');
  cpSync(join(fixtures, 'bundle'), bundle, { recursive: true });
  for (const name of ['bars', 'flat']) rmSync(join(bundle, 'tailors', `${name}.safetensors`));
  const pipeline = await openPipeline(bundle, { classes: ['dots'] });
  expect(pipeline.classNames).toEqual(['dots']);
  const { data } = await pipeline.sample({ count: 2 });
  pipeline.dispose();
  const whole = await openPipeline(join(fixtures, 'run'));
  expect(data).toEqual((await whole.sample({ classes: ['dots'], count: 2 })).data);
  whole.dispose();
  await expect(openPipeline(bundle, { classes: ['bars'] })).rejects.toThrow(/tailors\/bars.safetensors: cannot be/);
});

test.each([
  ['nothing', 'none', 'no such file or folder'],
  ['another file', 'expected.json', /path .*expected a run, a bundle, a demo or a dense model; this is a JSON file/],
  ['a part of a bundle', 'bundle/shared.safetensors', /this is the shared parts of the bundle/],
])('%s at the path is refused', async (_, path, message) => {
  await expect(openPipeline(join(fixtures, path))).rejects.toThrow(ConfigError);
  await expect(openPipeline(join(fixtures, path))).rejects.toThrow(message);
});

test('a bundle without a recipe is refused: its process is not known', async () => {
  const { model } = await loadModel(join(fixtures, 'bundle'));
  await saveBundle(join(work, 'bare'), model);
  disposeParams(model.params as unknown as ParamTree);
  await expect(openPipeline(join(work, 'bare'))).rejects.toThrow(/kind.json: expected metadata.config, the recipe/);
});

test('a dense model is not composed', async () => {
  const path = join(fixtures, 'dots.safetensors');
  await expect(openPipeline(path, { classes: ['dots'] })).rejects.toThrow(/classes: .* got a dense DiT/);
  await expect(openPipeline(path, { budget: { bytes: 1e6 } })).rejects.toThrow(/budget: .* got a dense DiT/);
});
