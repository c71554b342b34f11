import { parseConfig } from '@learngene/pipeline';
import { expect, test } from 'vitest';
import { adjustPlan } from './adjust-plan';
import { latentPlan, PIXEL_PLAN } from './plans';

test('the steps that are asked for win over those of an engine, a setting over both', () => {
  const plan = latentPlan();
  const stepsOf = (...args: [string | undefined, { steps?: number; set: string[] }]) =>
    adjustPlan(plan, ...args).config.training?.steps;
  expect(stepsOf(undefined, { set: [] })).toBe(plan.config.training?.steps);
  expect(stepsOf('wasm', { set: [] })).toBe(plan.slowEngineSteps?.pretraining);
  expect(stepsOf('wasm', { steps: 7, set: [] })).toBe(7);
  expect(stepsOf('wasm', { steps: 7, set: ['training.steps=9'] })).toBe(9);
});

test.each([
  ['pixels', PIXEL_PLAN, [], 'gaussian', 'ddim'],
  ['pixels', PIXEL_PLAN, ['diffusion.process=flow'], 'flow', 'euler'],
  ['pixels', PIXEL_PLAN, ['diffusion.process=flow', 'sampling.sampler=heun'], 'flow', 'heun'],
  ['pixels', PIXEL_PLAN, ['diffusion.process=gaussian'], 'gaussian', 'ddim'],
  ['latents', latentPlan(), [], 'flow', 'euler'],
  ['latents', latentPlan(), ['diffusion.process=flow'], 'flow', 'euler'],
  ['latents', latentPlan(), ['diffusion.process=gaussian'], 'gaussian', 'euler'],
])('a demo in %s takes a process alone: its sampler and its objective fit', (_, plan, set, process, sampler) => {
  const { config } = adjustPlan(plan, 'native', { set });
  const whole = parseConfig(config, 'test');
  expect(whole.diffusion.process).toBe(process);
  expect(whole.diffusion.prediction).toBe(process === 'flow' ? 'velocity' : 'x0');
  expect(whole.sampling).toMatchObject({ sampler, steps: plan.config.sampling?.steps, guidance: 1.5 });
});

test('of another process than the demo has, a sampler that does not fit is refused', () => {
  const set = ['diffusion.process=flow', 'sampling.sampler=ddim'];
  expect(() => adjustPlan(PIXEL_PLAN, 'native', { set })).toThrow('flow matching takes euler or heun, got ddim');
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
