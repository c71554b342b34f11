import { ConfigError, parseConfig } from '@learngene/pipeline';
import { expect, test } from 'vitest';
import { demoPlan, fullPlan, latentPlan, planFor, quickPlan, withSteps } from './plan';

const autoencoder = { path: 'folder' };

test.each([
  ['quick', quickPlan],
  ['full', fullPlan],
  ['in latents', latentPlan(autoencoder)],
])('the plan %s is a configuration, and says what it trains', (_, plan) => {
  const { data, model } = parseConfig(plan.config, 'plan');
  expect(data.classes).toEqual(plan.pretraining);
  expect(data.novel).toEqual(plan.novel);
  expect(model.hiddenSize).toBeGreaterThan(0);
});

test('in latents it has the cost of a step of the quick one: as many tokens of the same network', () => {
  const [pixels, latents] = [parseConfig(quickPlan.config, 'a'), parseConfig(latentPlan(autoencoder).config, 'b')];
  const tokens = (side: number, patch = 1) => (side / patch) ** 2;
  expect(tokens(latents.data.size! / 8, latents.model.patchSize)).toBe(
    tokens(pixels.data.size!, pixels.model.patchSize),
  );
  for (const name of ['hiddenSize', 'depth', 'heads', 'learngeneRank', 'tailorRank'] as const) {
    expect(latents.model[name]).toBe(pixels.model[name]);
  }
  expect(latents.training.batchSize).toBe(pixels.training.batchSize);
  expect(latents.sampling.clip).toBe(false);
  expect(latents.data.flip).toBe(false); // digits and letters
});

test('the choice: an autoencoder means latents, and there is no long plan in them', () => {
  expect(demoPlan({ full: false })).toBe(quickPlan);
  expect(demoPlan({ full: true })).toBe(fullPlan);
  expect(demoPlan({ full: false, autoencoder })).toEqual(latentPlan(autoencoder));
  expect(() => demoPlan({ full: true, autoencoder })).toThrow(ConfigError);
});

test('steps are replaced where they are given', () => {
  expect(withSteps(quickPlan, undefined)).toBe(quickPlan);
  expect(withSteps(quickPlan, 7)).toEqual({
    ...quickPlan,
    config: { ...quickPlan.config, training: { ...quickPlan.config.training, steps: 7 } },
  });
});

test('on other images: patches that divide them, and scores in their size; in latents the patch stays', () => {
  const other = { size: 48, pretraining: ['a', 'b'], novel: ['c'] };
  const plan = planFor(quickPlan, { source: 'folder', path: 'x' }, other);
  expect(plan.config.model?.patchSize).toBe(12);
  expect(plan.scoreSize).toBe(48);
  expect(planFor(latentPlan(autoencoder), { source: 'folder', path: 'x' }, other).config.model?.patchSize).toBe(2);
});
