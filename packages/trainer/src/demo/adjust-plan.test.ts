import { expect, test } from 'vitest';
import { adjustPlan } from './adjust-plan';
import { latentPlan } from './plans';

test('the steps that are asked for win over those of an engine, a setting over both', () => {
  const plan = latentPlan();
  const stepsOf = (...args: [string | undefined, { steps?: number; set: string[] }]) =>
    adjustPlan(plan, ...args).config.training?.steps;
  expect(stepsOf(undefined, { set: [] })).toBe(plan.config.training?.steps);
  expect(stepsOf('wasm', { set: [] })).toBe(plan.slowEngineSteps?.pretraining);
  expect(stepsOf('wasm', { steps: 7, set: [] })).toBe(7);
  expect(stepsOf('wasm', { steps: 7, set: ['training.steps=9'] })).toBe(9);
});

test('another objective is a setting; what contradicts itself or does not exist is refused', () => {
  const set = ['diffusion.process=gaussian', 'sampling.sampler=ddim'];
  expect(adjustPlan(latentPlan(), 'native', { set }).config).toMatchObject({
    diffusion: { process: 'gaussian' },
    sampling: { sampler: 'ddim', steps: 30 },
  });
  expect(() => adjustPlan(latentPlan(), 'native', { set: set.slice(0, 1) })).not.toThrow();
  expect(() => adjustPlan(latentPlan(), 'native', { set: ['training.stepz=3'] })).toThrow('unknown key training.stepz');
  expect(() => adjustPlan(latentPlan(), 'native', { set: ['diffusion.prediction=x0'] })).toThrow(
    'a flow predicts velocity, got x0',
  );
});
