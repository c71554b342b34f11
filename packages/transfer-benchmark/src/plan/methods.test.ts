import { adapterConfig, countAdapted, matchRank } from '@learngene/adapters';
import { countDitMacs, ditConfig } from '@learngene/dit';
import { countKindMacs, kindConfig } from '@learngene/kind';
import { groupPerClass, sharedGroup } from '@learngene/nn';
import { describe, expect, test } from 'vitest';
import { parameterBudget } from '../attach/attach';
import { type BaseSpec, baseSteps, denseStart } from './base-spec';
import { parsePlan } from './benchmark-plan';
import { equalMacsRank, methodSpec } from './methods';
import { ABLATIONS, METHOD_NAMES } from './names';
import { benchmarkPlans } from './plans';

const plan = parsePlan(benchmarkPlans.quick, 'quick');
const { hiddenSize, depth, heads, patchSize } = plan.model;
const dit = ditConfig({ inputSize: 20, patchSize, inChannels: 1, hiddenSize, depth, heads, classes: 5 });

describe('equal trainable parameters', () => {
  const classes = 3;
  const wanted = parameterBudget(plan.model, dit, classes);
  const adjustable = METHOD_NAMES.filter((name) => /^(lora|rslora|dora|pissa|loha)/.test(name));
  test.each(adjustable)('%s comes within a twelfth of KIND', (name) => {
    const { form } = methodSpec(name, plan.model);
    if (form.kind !== 'adapter') throw new Error('expected an adapter');
    const groups = form.shared ? sharedGroup(classes) : groupPerClass(classes);
    const { trainable, adapter } = matchRank(form.adapter, { dit, groups, parameters: wanted });
    expect(trainable / wanted).toBeGreaterThan(0.92);
    expect(trainable / wanted).toBeLessThan(1.08);
    expect(
      countAdapted({ dit: { ...dit, classes }, adapter: adapterConfig(adapter, dit), groups, nullGate: 'base' })
        .trainable,
    ).toBe(trainable);
  });
});

test('the blocks of OFT divide the widths: it comes as near as they allow', () => {
  const wanted = parameterBudget(plan.model, dit, 3);
  const { trainable } = matchRank({ method: 'oft' }, { dit, groups: sharedGroup(3), parameters: wanted });
  expect(trainable / wanted).toBeGreaterThan(0.6);
  expect(trainable / wanted).toBeLessThan(1.5);
});

test('the rank of the iso-MACs table costs what the dense model costs', () => {
  const rank = equalMacsRank(dit);
  const macs = (total: number) => countKindMacs(kindConfig({ dit, learngeneRank: total - 8, tailorRank: 8 })).total;
  const dense = countDitMacs(dit).total;
  expect(macs(rank)).toBeLessThanOrEqual(dense);
  expect(macs(rank + 1)).toBeGreaterThan(dense);
  expect(methodSpec('kind', plan.model, { macsRank: rank }).ranks).toEqual({ learngenes: rank - 8, tailors: 8 });
});

describe('equal footing of the bases', () => {
  test('the plain low-rank base has as many components a sample as KIND', () => {
    const base = methodSpec('low-rank+tailors', plan.model).base;
    expect(base).toMatchObject({ form: 'low-rank', rank: plan.model.learngeneRank + plan.model.tailorRank });
  });
  test('factored bases learn at half the rate with a gate and without, but where the rate itself is asked about', () => {
    const rate = (method: Parameters<typeof methodSpec>[0], macsRank?: number) =>
      methodSpec(method, plan.model, { macsRank }).base.factorLearningRateScale;
    for (const method of ['kind', 'kind-shared', 'low-rank+tailors', 'kind/soft-gate', 'low-rank/long'] as const)
      expect(rate(method)).toBe(0.5);
    for (const method of ['kind/full-rate', 'low-rank/full-rate', 'kind/from-dense', 'svd-cut+tailors'] as const)
      expect(rate(method)).toBeUndefined();
    // There the rate of all comes from whole runs.
    expect(rate('kind', 80)).toBeUndefined();
    expect(rate('low-rank+tailors', 80)).toBeUndefined();
  });
  test('the control has the ranks and the length of KIND wherever the gate is asked about', () => {
    for (const variant of ['small-ranks', 'long'] as const) {
      const [kind, control] = [
        methodSpec(`kind/${variant}`, plan.model),
        methodSpec(`low-rank/${variant}`, plan.model),
      ];
      expect(control.ranks).toEqual(kind.ranks);
      expect(control.base).toMatchObject({ rank: kind.ranks.learngenes + kind.ranks.tailors });
      expect(control.base.stepsScale).toBe(kind.base.stepsScale);
    }
    expect(methodSpec('kind/small-ranks', plan.model).ranks).toEqual({ learngenes: 16, tailors: 8 });
  });
  test('from a dense start, both halves together take the steps of KIND', () => {
    const whole = baseSteps(plan.pretraining, methodSpec('kind', plan.model).base);
    for (const method of ['kind/from-dense', 'low-rank/from-dense'] as const) {
      const { base } = methodSpec(method, plan.model);
      const dense = denseStart(plan.model, base) as BaseSpec;
      expect(dense).toEqual({ form: 'dense', hiddenSize, stepsScale: 0.5 });
      expect(baseSteps(plan.pretraining, base) + baseSteps(plan.pretraining, dense)).toBe(whole);
    }
  });
  test('methods with tailors keep N_G and train N_t', () => {
    for (const name of ['kind', 'low-rank+tailors', 'svd-cut+tailors', 'kind-shared'] as const) {
      expect(methodSpec(name, plan.model).ranks).toEqual({ learngenes: 40, tailors: 8 });
    }
  });
  test('ablations of the ranks cost the MACs of KIND', () => {
    for (const [name, group] of Object.entries(ABLATIONS)) {
      const { ranks } = methodSpec(name as keyof typeof ABLATIONS, plan.model);
      if (group === 'gate-small-ranks') continue;
      expect(ranks.learngenes + ranks.tailors).toBe(48);
      if (group === 'ranks') expect(name).toBe(`kind/ranks-${ranks.learngenes}-${ranks.tailors}`);
    }
  });
});
