import { disposeParams, type LinearParams, type ParamTree } from '@learngene/nn';
import { composeDense } from '@learngene/tensor-svd';
import { expectClose, expectNoLeak, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { randomModel, tinyConfig } from '../test/random-model';
import { inputsFor } from '../test/tiny';
import { mixerConfig, noisyMixer } from '../test/tiny-network';
import { applyKind } from './apply';
import { assembleDense } from './assemble-dense';
import { type MixturePart, mixTailors, mixTailorsAsync } from './mix-tailors';
import type { KindModel } from './params';

beforeAll(useTestBackend);

const dit = { ...tinyConfig().dit };
const mix = (model: KindModel, ...parts: MixturePart[]) => mixTailors(model, [{ name: 'mix', parts }]);
const output = ({ config, params }: KindModel, label: number) => {
  const { x, t } = inputsFor([0], { dit });
  return applyKind(params, { x, t, labels: Int32Array.of(label) }, { config });
};
const weightOf = (model: KindModel, group: string) =>
  assembleDense(model, { group }).params.blocks[1].mlp.in.weight as tf.Tensor2D;

describe('mixTailors', () => {
  test('a mixture of one class gives the bits of that class, and the null label those of the null label', () => {
    const model = randomModel(tinyConfig());
    const one = mix(model, { class: 2, weight: 1 });
    expect([...output(one, 0).dataSync()]).toEqual([...output(model, 2).dataSync()]);
    expect([...output(one, 1).dataSync()]).toEqual([...output(model, 5).dataSync()]);
    expect(one.config).toMatchObject({ tailorRank: 2, pruned: false, dit: { classes: 1 } });
  });

  test('a layer is the learngenes plus the weighted tailors, and the label the weighted mean', () => {
    const model = randomModel(tinyConfig());
    const mixed = mix(model, { class: 1, weight: 0.25 }, { class: 4, weight: 0.75 });
    const [a, b] = [weightOf(model, '7'), weightOf(model, 'a.b/../c')];
    expectClose(weightOf(mixed, 'mix'), tf.add(tf.mul(a, 0.25), tf.mul(b, 0.75)), { rtol: 1e-5, atol: 1e-6 });
    const rows = (group: string, row: number) => tf.slice(model.params.tailors[group].label.rows, row, 1);
    const mean = tf.add(tf.mul(rows('7', 0), 0.25), tf.mul(rows('a.b/../c', 0), 0.75));
    expectClose(mixed.params.tailors.mix.label.rows, mean, { rtol: 1e-6, atol: 1e-7 });
    expect(mixed.config).toMatchObject({ tailorRank: 4, pruned: false });
  });

  test('classes of one group share its tailors; only their rows are mixed', () => {
    const model = randomModel(tinyConfig());
    const mixed = mix(model, { class: 4, weight: 0.1 }, { class: 2, weight: 0.9 });
    expect([...weightOf(mixed, 'mix').dataSync()]).toEqual([...weightOf(model, 'a.b/../c').dataSync()]);
    expect(mixed.config.tailorRank).toBe(2);
  });

  test('of more components than a layer is wide is exact and no wider', async () => {
    const model = randomModel(tinyConfig({ tailorRank: 4 }));
    const parts = [
      { class: 0, weight: 0.5 },
      { class: 1, weight: 0.25 },
      { class: 2, weight: 0.25 },
    ];
    const mixed = await mixTailorsAsync(model, [{ name: 'mix', parts }]);
    expect(mixed.config.tailorRank).toBe(8);
    const expected = tf.addN([
      tf.mul(weightOf(model, 'Katze & Hund'), 0.5),
      tf.mul(weightOf(model, '7'), 0.25),
      tf.mul(weightOf(model, 'a.b/../c'), 0.25),
    ]);
    expectClose(weightOf(mixed, 'mix'), expected as tf.Tensor2D, { rtol: 1e-5, atol: 2e-6 });
  });

  test('mixes the rows and the factors of another network', () => {
    const model = { config: mixerConfig(), params: noisyMixer(mixerConfig()) };
    const parts = [
      { class: 3, weight: 0.5 },
      { class: 1, weight: 0.5 },
    ];
    const mixed = mixTailors(model, [{ name: 'mix', parts }]);
    const head = (tree: ParamTree) => (tree.head as unknown as LinearParams).weight;
    const { a, b, mix: both } = { ...model.params.tailors, ...mixed.params.tailors } as Record<string, ParamTree>;
    const mean = tf.div(tf.add(tf.slice(head(a), 0, 1), tf.slice(head(b), 0, 1)), 2);
    expectClose(head(both), mean as tf.Tensor2D, { rtol: 1e-6, atol: 1e-7 });
    const layer = (tree: ParamTree) => composeDense((tree.mix as ParamTree).in as never).weight;
    expectClose(layer(both), tf.div(tf.add(layer(a), layer(b)), 2) as tf.Tensor2D, { rtol: 1e-5, atol: 1e-6 });
  });

  test.each<[string, unknown, string]>([
    ['no mixture', [], 'mixtures: expected at least one, got none'],
    ['no part', [{ name: 'x', parts: [] }], 'mixtures[0].parts: expected at least one, got none'],
    ['a class that is not there', [one(5, 1)], 'mixtures[0].parts: expected the id of a class in a group, got 5'],
    ['a class twice', [{ name: 'x', parts: [part(1, 0.5), part(1, 0.5)] }], 'expected each class once, got 1 twice'],
    ['a weight of 0', [{ name: 'x', parts: [part(1, 1), part(2, 0)] }], 'expected a weight above 0 of class 2, got 0'],
    ['a weight that is none', [one(1, Number.NaN)], 'expected a weight above 0 of class 1, got NaN'],
    ['half of a class', [one(1, 0.5)], 'mixtures[0]: expected weights that add up to 1, got 0.5'],
    ['an unknown field', [{ ...one(1, 1), guidance: 2 }], "mixtures[0]: expected name or parts, got 'guidance'"],
    ['a name twice', [one(1, 1), one(2, 1)], "'x' is used twice"],
    ['a name that cannot be one', [{ ...one(1, 1), name: '__proto__' }], "'__proto__' is not allowed"],
  ])('refuses %s', (_, mixtures, message) => {
    const model = randomModel(tinyConfig());
    const before = tf.memory().numTensors;
    expect(() => mixTailors(model, mixtures as never)).toThrow(message);
    expect(tf.memory().numTensors).toBe(before);
    disposeParams(model.params);
  });

  test('refuses a soft gate, and leaks nothing', async () => {
    const soft = randomModel(tinyConfig({ gate: 'soft' }));
    expect(() => mix(soft, part(1, 1))).toThrow('expected a binary gate, got a soft gate');
    const model = randomModel(tinyConfig());
    await expectNoLeak(() => disposeParams(mix(model, part(1, 0.5), part(2, 0.5)).params));
  });
});

function part(id: number, weight: number): MixturePart {
  return { class: id, weight };
}
function one(id: number, weight: number) {
  return { name: 'x', parts: [part(id, weight)] };
}
