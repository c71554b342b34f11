import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { useTestBackend } from '@learngene/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Inspection, inspectPath } from './inspect-path';
import { inspectionRows } from './inspection-rows';

const fixtures = fileURLToPath(new URL('../../../fixtures/format-1', import.meta.url));

beforeAll(useTestBackend);

const shown = (found: Inspection) => Object.fromEntries(inspectionRows(found).rows);
const inspected = (name: string) => inspectPath(join(fixtures, name), { needEngine: async () => {} });

const AUTOENCODER = {
  name: 'emoji',
  hash: 'ab'.repeat(32),
  imageChannels: 3,
  latentChannels: 3,
  downscale: 8,
  scalingFactor: 1,
  shiftFactor: 0,
};

describe('what a model draws, and how', () => {
  test.each(['run', 'bundle'])('of a %s of pixels', async (name) => {
    const rows = shown(await inspected(name));
    expect(rows.images).toBe('8x8x3');
    expect(rows).not.toHaveProperty('autoencoder');
    expect(rows.process).toMatch(/^gaussian, \S+ schedule, \d+ timesteps, predicts \S+$/);
    expect(rows.sampler).toMatch(/^\S+, \d+ steps, guidance [\d.]+$/);
  });

  test('of a run and a bundle in latents, of a flow', async () => {
    const run = await inspected('run');
    const bundle = await inspected('bundle');
    if (run.what !== 'kind-run' || bundle.what !== 'bundle') throw new Error(`${run.what}, ${bundle.what}`);
    const changed = {
      autoencoder: AUTOENCODER,
      diffusion: { ...run.record.config.diffusion, process: 'flow' as const },
    };
    const { record } = run;
    const runs = { ...run, record: { ...record, config: { ...record.config, ...changed } } };
    const recipe = bundle.recipe && { ...bundle.recipe, ...changed };
    for (const found of [runs, { ...bundle, recipe }]) {
      expect(shown(found)).toMatchObject({
        images: '64x64x3, decoded from latents of 8x8x3',
        autoencoder: 'emoji (hash abababababab)',
        process: 'flow',
      });
    }
  });

  test('a bundle that does not say how it is sampled shows nothing of it', async () => {
    const bundle = await inspected('bundle');
    if (bundle.what !== 'bundle') throw new Error(bundle.what);
    const rows = shown({ ...bundle, recipe: null });
    expect(Object.keys(rows)).toEqual(['bundle', 'groups', 'parameters', 'MACs of a class', 'bytes']);
  });
});
