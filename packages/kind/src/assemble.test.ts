import { applyDit } from '@learngene/dit';
import { disposeParams, flattenParams } from '@learngene/nn';
import { expectNoLeak, relativeError, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it as test } from 'vitest';
import { inputs, output } from '../test/assembled';
import { bits, randomModel, tinyConfig } from '../test/random-model';
import { assembleFactored, assembleFactoredAsync } from './assemble';
import { assembleDense } from './assemble-dense';
import { kindConfig } from './config';
import { countAssembled } from './count-assembled';

beforeAll(useTestBackend);
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

describe('assembleFactored', () => {
  const ordered = () =>
    randomModel(
      tinyConfig({
        groups: [
          { name: 'x', classes: [0, 1] },
          { name: 'y', classes: [2, 3, 4] },
        ],
      }),
    );

  test('is the identity for all groups without a budget', () => {
    const model = ordered();
    const all = assembleFactored(model);
    expect(all.config).toEqual(model.config);
    expect(bits(all)).toEqual(bits(model));
    disposeParams(model.params);
    expect(flattenParams(all.params).size).toBeGreaterThan(0);
    for (const leaf of flattenParams(all.params).values()) expect(leaf.isDisposed).toBe(false);
  });

  test('renumbers classes in the order of the groups and keeps their outputs', () => {
    const model = randomModel(tinyConfig());
    const part = assembleFactored(model, { groups: ['a.b/../c', 'Katze & Hund'] });
    expect(part.config.groups).toEqual([
      { name: 'a.b/../c', classes: [0, 1] },
      { name: 'Katze & Hund', classes: [2, 3], classNames: ['cat', 'dog'] },
    ]);
    expect(part.config.dit.classes).toBe(4);
    expect(part.config.pruned).toBe(false);
    const whole = output(model, inputs([4, 2, 3, 0, 5]));
    expect(relativeError(output(part, inputs([0, 1, 2, 3, 4])), whole)).toBeLessThan(1e-5);
  });

  test('keeps learngenes alone for no groups', () => {
    const model = randomModel(tinyConfig());
    const part = assembleFactored(model, { groups: [] });
    expect(part.config.groups).toEqual([]);
    expect(part.config.dit.classes).toBe(1);
    expect(part.params.tailors).toEqual({});
    expect(relativeError(output(part, inputs([1, 1])), output(model, inputs([5, 5])))).toBeLessThan(1e-5);
  });

  test("keeps a soft gate's rows of the groups chosen", () => {
    const model = randomModel(tinyConfig({ gate: 'soft' }));
    const names = model.config.groups.map((group) => group.name);
    const all = assembleFactored(model);
    expect(relativeError(output(all, inputs([0, 2, 3])), output(model, inputs([3, 1, 4])))).toBeLessThan(1e-5);
    const part = assembleFactored(model, { groups: [names[2], names[0]] });
    const { weight } = model.params.gate!;
    expect(part.params.gate!.weight.arraySync()).toEqual([2, 0].map((row) => (weight.arraySync() as number[][])[row]));
    expect(() => assembleFactored(model, { groups: [] })).toThrow('groups: a soft gate needs at least one');
  });

  test('names unknown, repeated and missing groups', () => {
    const model = randomModel(tinyConfig());
    expect(() => assembleFactored(model, { groups: ['8'] })).toThrow("'7', 'a.b/../c', got '8'");
    expect(() => assembleFactored(model, { groups: ['7', '7'] })).toThrow(
      "groups: expected each group once, got '7' twice",
    );
    const partly = { ...model, params: { ...model.params, tailors: {} } };
    expect(() => assembleFactored(partly)).toThrow("tailors of group 'Katze & Hund' are not loaded");
  });

  test('leaks nothing, also where it throws', async () => {
    const model = randomModel(tinyConfig({ gate: 'soft' }));
    await expectNoLeak(() => {
      disposeParams(assembleFactored(model, { groups: ['7'] }).params);
      disposeParams(assembleFactored(model, { budget: { parameters: 4000 } }).params);
      expect(() => assembleFactored(model, { budget: { bytes: 1 } })).toThrow('budget.bytes');
    });
  });
});

describe('assembleDense', () => {
  test('equals the gated model for every class of the group', () => {
    const model = randomModel(tinyConfig());
    for (const { name, classes } of model.config.groups) {
      const { config, params } = assembleDense(model, { group: name });
      expect(config).toEqual({ ...model.config.dit, classes: classes.length });
      const own = inputs([...classes.keys()]);
      const dense = applyDit(params, own, { config });
      expect(relativeError(dense, output(model, inputs([...classes])))).toBeLessThan(1e-5);
    }
  });

  test('equals a factored model of one group, also pruned, without a name', async () => {
    const model = randomModel(tinyConfig());
    const full = countAssembled(assembleFactored(model, { groups: ['7'] }));
    for (const budget of [undefined, { parameters: full.parameters - 220 }]) {
      const part = await assembleFactoredAsync(model, { groups: ['7'], budget });
      const { config, params } = assembleDense(part);
      expect(relativeError(applyDit(params, inputs([0]), { config }), output(part, inputs([0])))).toBeLessThan(1e-5);
    }
  });

  test('is the class-agnostic model for no groups, with either label', () => {
    const model = randomModel(tinyConfig());
    const { config, params } = assembleDense(assembleFactored(model, { groups: [] }));
    expect(config.classes).toBe(1);
    const dense = applyDit(params, inputs([0, 1]), { config });
    expect(relativeError(dense, output(model, inputs([5, 5])))).toBeLessThan(1e-5);
  });

  test('composes a soft gate of one group and refuses one of several', () => {
    const model = randomModel(tinyConfig({ gate: 'soft' }));
    expect(() => assembleDense(model, { group: '7' })).toThrow(
      'model: expected one group, for a soft gate mixes them all',
    );
    const one = assembleFactored(model, { groups: ['7'] });
    const { config, params } = assembleDense(one);
    expect(relativeError(applyDit(params, inputs([0]), { config }), output(one, inputs([0])))).toBeLessThan(1e-5);
  });

  test('without tailors is the learngenes with the rows of the group, to which the tailors are added', () => {
    const model = randomModel(tinyConfig());
    const [group] = model.config.groups;
    const [bare, whole] = [false, true].map((tailors) => assembleDense(model, { group: group.name, tailors }));
    expect(bare.config).toEqual(whole.config);
    expect(bare.params.label.table.arraySync()).toEqual(whole.params.label.table.arraySync());
    const agnostic = assembleDense(assembleFactored(model, { groups: [] }));
    const layer = ({ params }: typeof bare) => params.blocks[1].mlp.in;
    expect(layer(bare).weight.arraySync()).toEqual(layer(agnostic).weight.arraySync());
    const { u, s, v } = model.params.tailors[group.name].blocks[1].mlp.in!;
    const sum = tf.add(layer(bare).weight, tf.matMul(tf.mul<tf.Tensor2D>(u, s), v, false, true));
    expect(relativeError(sum, layer(whole).weight)).toBeLessThan(1e-6);
    expect(() => assembleDense(model, { group: group.name, tailors: 'no' as never })).toThrow(
      'tailors: expected true or false, got "no"',
    );
  });

  test('asks for a group of several and names an unknown one', () => {
    const model = randomModel(tinyConfig());
    expect(() => assembleDense(model)).toThrow("group: expected one of 'Katze & Hund', '7', 'a.b/../c'");
    expect(() => assembleDense(model, { group: 'x' })).toThrow("got 'x'");
    const empty = { ...model, params: { ...model.params, learngenes: { blocks: {} } } };
    expect(() => assembleDense(empty, { group: '7' })).toThrow(
      'params: expected learngenes at blocks.0.attn.q, got none',
    );
  });

  test('leaks nothing', async () => {
    const model = randomModel(tinyConfig());
    await expectNoLeak(() => disposeParams(assembleDense(model, { group: '7' }).params));
  });
});

describe('countAssembled', () => {
  test('counts a model made to its config as countKind does', async () => {
    const { countKind } = await import('./count');
    for (const gate of ['binary', 'soft'] as const) {
      const config = kindConfig({ ...tinyConfig(), gate });
      const { params, macs, bytes } = countKind(config);
      const counts = { parameters: params.total, macs: macs.total, bytes: bytes.total };
      expect(countAssembled(randomModel(config))).toEqual(counts);
    }
  });
});
