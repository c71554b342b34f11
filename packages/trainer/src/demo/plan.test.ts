import { ConfigError, parseConfig } from '@learngene/pipeline';
import { expect, test } from 'vitest';
import { withAutoencoder } from '../latents/training-data';
import { type DemoPlan, demoPlan, planFor, planOn, withSteps } from './plan';
import { FULL_PIXEL_PLAN, fullLatentPlan, latentPlan, PIXEL_PLAN } from './plans';

const autoencoder = { path: 'folder' };

test.each([
  ['in pixels', PIXEL_PLAN],
  ['in pixels, full', FULL_PIXEL_PLAN],
  ['in latents', latentPlan()],
  ['in latents, full', fullLatentPlan()],
  ['in latents of an own autoencoder', latentPlan(autoencoder)],
])('the plan %s is a configuration, and says what it trains', (_, plan) => {
  const { data, model } = parseConfig(plan.config, 'plan');
  expect(data.classes).toEqual(plan.pretraining);
  expect(data.novel).toEqual(plan.novel);
  expect(model.hiddenSize).toBeGreaterThan(0);
});

const tokens = ({ config }: DemoPlan, downscale: number) => {
  const { data, model } = parseConfig(config, 'plan');
  return ((data.size as number) / downscale / (model.patchSize as number)) ** 2;
};

test.each([
  ['the usual one', PIXEL_PLAN, latentPlan(), 16],
  ['the full one', FULL_PIXEL_PLAN, fullLatentPlan(), 64],
])(
  'in latents %s has the cost of a step of the one in pixels: as many tokens of the same network',
  (_, a, b, count) => {
    expect([tokens(a, 1), tokens(b, 8)]).toEqual([count, count]);
    const [pixels, latents] = [parseConfig(a.config, 'a'), parseConfig(b.config, 'b')];
    expect({ ...latents.model, patchSize: 0 }).toEqual({ ...pixels.model, patchSize: 0 });
    expect(latents.training.batchSize).toBe(pixels.training.batchSize);
    expect(latents.sampling.clip).toBe(false);
    expect(latents.data.flip).toBe(false); // digits and letters
  },
);

test('the choice: latents of the shipped autoencoder, of the one that is named, or pixels', () => {
  expect(demoPlan({ full: false, pixels: false })).toEqual(latentPlan({ name: 'emoji' }));
  expect(demoPlan({ full: true, pixels: false })).toEqual(fullLatentPlan({ name: 'emoji' }));
  expect(demoPlan({ full: false, pixels: false, autoencoder })).toEqual(latentPlan(autoencoder));
  expect(demoPlan({ full: false, pixels: true })).toBe(PIXEL_PLAN);
  expect(demoPlan({ full: true, pixels: true })).toBe(FULL_PIXEL_PLAN);
  expect(() => demoPlan({ full: false, pixels: true, autoencoder })).toThrow(ConfigError);
});

test('a slow engine takes fewer steps, where a plan has fewer; the number depends on its name alone', () => {
  const plan = latentPlan();
  for (const engine of ['native', 'tfjs-node-gpu', 'webgpu']) {
    const { config, transferSteps, slowEngineSteps } = planOn(plan, engine);
    expect([config, transferSteps, slowEngineSteps]).toEqual([plan.config, plan.transferSteps, undefined]);
  }
  for (const engine of ['wasm', 'cpu', 'tfjs-node']) {
    const { config, transferSteps } = planOn(plan, engine);
    expect([config.training?.steps, transferSteps]).toEqual(Object.values(plan.slowEngineSteps!));
    expect(config.training!.steps!).toBeLessThan(plan.config.training!.steps!);
    expect(planOn(PIXEL_PLAN, engine)).toEqual(PIXEL_PLAN);
  }
});

test('the shipped autoencoder of the usual plan is installed, and fits its pictures', async () => {
  const { autoencoder, data } = await withAutoencoder(parseConfig(latentPlan().config, 'plan'));
  expect(autoencoder).toMatchObject({ name: 'emoji', downscale: 8, latentChannels: 16, imageChannels: 3 });
  expect(data.size! % autoencoder!.downscale!).toBe(0);
});

test('steps are replaced where they are given', () => {
  expect(withSteps(PIXEL_PLAN, undefined)).toBe(PIXEL_PLAN);
  expect(withSteps(PIXEL_PLAN, 7)).toEqual({
    ...PIXEL_PLAN,
    config: { ...PIXEL_PLAN.config, training: { ...PIXEL_PLAN.config.training, steps: 7 } },
  });
});

test('on other images: patches that divide them, and scores in their size; in latents the patch stays', () => {
  const other = { size: 48, pretraining: ['a', 'b'], novel: ['c'] };
  const plan = planFor(PIXEL_PLAN, { source: 'folder', path: 'x' }, other);
  expect(plan.config.model?.patchSize).toBe(12);
  expect(plan.scoreSize).toBe(48);
  expect(planFor(latentPlan(autoencoder), { source: 'folder', path: 'x' }, other).config.model?.patchSize).toBe(2);
});
