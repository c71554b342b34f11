import { applyDit, initDit } from '@learngene/dit';
import { countParams, flattenParams, type ParamTree, valueAndGrad } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { expectClose, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { bits, randomModel, tinyConfig } from '../test/random-model';
import { config, GROUPS, NAMES, outputOf } from '../test/several-groups';
import { inputsFor } from '../test/tiny';
import { applyKind } from './apply';
import { assembleFactored } from './assemble';
import { assembleDense } from './assemble-dense';
import { countKind } from './count';
import { countAssembled } from './count-assembled';
import { kindFromDense } from './from-dense';
import { initKind } from './init';
import { mixTailors } from './mix-tailors';
import type { KindModel } from './params';
import { initKindTraining } from './train-state';
import { kindTrainStep } from './train-step';
import { transferKind } from './transfer';

beforeAll(useTestBackend);

describe('a class in several groups', () => {
  test.each([
    [0, 'animals', ['animals']],
    [1, 'cat', ['animals', 'cat']],
    [2, 'dog', ['animals', 'dog', 'toys']],
    [4, 'toys', ['toys']],
  ])('class %i: the network is the dense one of W_G plus the tailors of all its groups', (id, name, groups) => {
    const model = randomModel(config);
    const gathered = GROUPS.map((group) => ({ ...group, classes: [id], classNames: [NAMES[id]] })).filter((group) =>
      groups.includes(group.name),
    );
    const alone = { ...model, config: { ...config, groups: gathered } };
    const dense = assembleDense(alone, { group: gathered[0].name, tailors: false });
    // The composite by hand: learngenes plus every group's u diag(s) vᵀ.
    for (const [block, { attn, mlp }] of Object.entries(dense.params.blocks)) {
      for (const [part, layers] of Object.entries({ attn, mlp })) {
        for (const [layer, linear] of Object.entries(layers as Record<string, { weight: tf.Tensor2D }>)) {
          const updates = groups.map((group) => {
            const { u, s, v } = (model.params.tailors[group].blocks as never)[block][part][layer];
            return tf.matMul(tf.mul(u as tf.Tensor2D, s), v as tf.Tensor2D, false, true);
          });
          linear.weight = tf.addN([linear.weight, ...updates]) as tf.Tensor2D;
        }
      }
    }
    const row = GROUPS.find(({ classes }) => classes.includes(id))!;
    const label = tf.slice(model.params.tailors[row.name].label.rows, row.classes.indexOf(id), 1);
    const table = tf.concat([label, model.params.shared.label.null], 0);
    const { x, t } = inputsFor([0], { dit: config.dit });
    const expected = applyDit({ ...dense.params, label: { table } } as never, { x, t, labels: Int32Array.of(0) }, {
      config: { ...config.dit, classes: 1 },
    } as never);
    expectClose(outputOf(model, id), expected, { rtol: 2e-5, atol: 2e-6 });
    // In a batch with all others it is the same.
    const labels = Int32Array.of(5, 2, 0, 1, 4, 3, 1);
    const inputs = inputsFor([...labels], { dit: config.dit });
    const first = tf.tile(x, [labels.length, 1, 1, 1]) as tf.Tensor4D;
    const times = tf.tile(t, [labels.length]);
    const batch = applyKind(model.params, { ...inputs, x: first, t: times, labels }, { config });
    expectClose(tf.slice(batch, labels.indexOf(id), 1), expected, { rtol: 2e-5, atol: 2e-6 });
    const assembled = assembleDense(assembleFactored(model, { groups }), { group: name });
    expect(assembled.params.label.table.shape[0]).toBe(assembled.config.classes + 1);
  });

  test('trains all its groups: gradients are those of the one group that has all their components', () => {
    const model = randomModel(config);
    const { params } = mixTailors(model, [{ name: 'dog', parts: [{ class: 2, weight: 1 }] }]);
    const one = { ...tinyConfig({ groups: [{ name: 'dog', classes: [0] }], tailorRank: 6 }) };
    const joined = { ...one, dit: { ...one.dit, classes: 1 } };
    const { x, t } = inputsFor([0, 0], { dit: config.dit });
    const loss = (y: tf.Tensor) => tf.mean(tf.square(tf.sub(y, 0.3))) as tf.Scalar;
    const several = valueAndGrad(
      (tailors: ParamTree) =>
        loss(
          applyKind({ ...model.params, tailors: tailors as never }, { x, t, labels: Int32Array.of(2, 2) }, { config }),
        ),
      model.params.tailors as unknown as ParamTree,
    );
    const single = valueAndGrad(
      (tailors: ParamTree) =>
        loss(
          applyKind(
            { ...params, tailors: tailors as never },
            { x, t, labels: Int32Array.of(0, 0) },
            { config: joined },
          ),
        ),
      params.tailors as unknown as ParamTree,
    );
    expectClose(several.value, single.value, { rtol: 1e-5, atol: 1e-7 });
    const all = flattenParams(single.grads);
    const own = flattenParams(several.grads);
    for (const layer of ['blocks.0.attn.q', 'blocks.1.attn.o', 'blocks.1.mlp.in', 'blocks.0.mlp.out']) {
      for (const leaf of ['u', 's', 'v']) {
        const parts = ['animals', 'dog', 'toys'].map((group) => own.get(`${group}.${layer}.${leaf}`)!);
        const expected = all.get(`dog.${layer}.${leaf}`)!;
        expectClose(tf.concat(parts, leaf === 's' ? 0 : 1), expected, { rtol: 1e-4, atol: 1e-7 });
        expect(Math.max(...parts.map((part) => tf.max(tf.abs(part)).dataSync()[0])), layer).toBeGreaterThan(0);
      }
    }
    expectClose(tf.slice(own.get('animals.label.rows')!, 2, 1), all.get('dog.label.rows')!, { rtol: 1e-4, atol: 1e-7 });
    for (const unused of ['dog', 'toys'])
      expect(tf.max(tf.abs(own.get(`${unused}.label.rows`)!)).dataSync()[0]).toBe(0);
  });

  test('a step changes the groups of the classes in the batch and no other, and no row that is not used', () => {
    const { params } = randomModel(config);
    const state = initKindTraining(params, { trainable: 'tailors' });
    const inputs = inputsFor([1, 1], { dit: config.dit });
    const target = tf.onesLike(inputs.x);
    const before = bits({ config, params });
    const { state: after } = kindTrainStep(
      {
        state,
        config,
        labels: inputs.labels,
        loss: (denoiser) => tf.mean(tf.squaredDifference(denoiser(inputs.x, inputs.t), target)),
      },
      { learningRate: 0.01, trainable: 'tailors' },
    );
    const changedLeaves = [...bits({ config, params: after.params })].filter(
      ([name, values]) => String(values) !== String(before.get(name)),
    );
    const groups = new Set(changedLeaves.map(([name]) => name.split(':')[0]));
    expect([...groups]).toEqual(['tailors animals', 'tailors cat']);
    expect(changedLeaves.map(([name]) => name)).toContain('tailors animals: label.rows');
    expect(changedLeaves.map(([name]) => name)).not.toContain('tailors cat: label.rows');
  });

  test('is counted with all its groups', () => {
    const model = randomModel(config);
    const { params, macs, bytes } = countKind(config);
    expect(params.total).toBe(countParams(model.params as unknown as ParamTree));
    expect(countAssembled(model)).toEqual({ parameters: params.total, macs: macs.total, bytes: bytes.total });
    const files = ['animals', 'dog', 'toys'].map((name) => bytes.tailors[name]);
    expect(bytes.oneGroup).toBe(bytes.learngenes + bytes.shared + files.reduce((sum, size) => sum + size, 0));
    const cat = countAssembled(assembleFactored(model, { groups: ['animals', 'cat'] }));
    expect(cat.macs).toBeLessThan(macs.total);
  });

  test('fresh models start every class alike where a later group holds only classes of earlier ones', () => {
    const nested = tinyConfig({ groups: [{ name: 'all', classes: [0, 1, 2, 3, 4] }, ...GROUPS.slice(1)] });
    const params = initKind(createGenerator(3), nested);
    const model = { config: nested, params };
    expect(tf.max(tf.abs(params.tailors.toys.blocks[1].mlp.in!.u)).dataSync()[0]).toBe(0);
    const weight = (groups: string[], group: string) =>
      assembleDense(assembleFactored(model, { groups }), { group }).params.blocks[1].mlp.in.weight;
    expectClose(weight(['all', 'dog', 'toys'], 'dog'), weight(['all', 'cat'], 'cat'), { rtol: 0, atol: 1e-6 });
    const dense = initDit(createGenerator(2), nested.dit);
    const from = kindFromDense(dense, nested, { generator: createGenerator(3) });
    expect(tf.max(tf.abs(from.tailors.cat.blocks[0].attn.v!.u)).dataSync()[0]).toBe(0);
    expect(() => kindFromDense(dense, config, { generator: createGenerator(3) })).toThrow(
      "groups[3]: expected all of its classes in earlier groups, or none, got class 2, which is in 'animals' too",
    );
  });

  test('a soft gate reads the row of the first group', () => {
    const soft = randomModel(tinyConfig({ groups: GROUPS, gate: 'soft' }));
    const reordered = { ...soft, config: { ...soft.config, groups: GROUPS.map((group) => ({ ...group })) } };
    const rows = { ...soft.params.tailors.cat, label: { rows: tf.zeros([1, 8]) } };
    const other = { ...soft, params: { ...soft.params, tailors: { ...soft.params.tailors, cat: rows } } };
    expect([...outputOf(other as KindModel, 1).dataSync()]).toEqual([...outputOf(reordered, 1).dataSync()]);
  });

  test('novel classes may be in several groups', () => {
    const groups = [
      { name: 'birds', classes: [0, 1] },
      { name: 'wren', classes: [1] },
    ];
    const model = randomModel(config);
    const next = transferKind(model, { groups, generator: createGenerator(1), domain: 'near', keepGroups: true });
    expect(next.config.dit.classes).toBe(7);
    expect(next.config.groups.map(({ classes }) => classes)).toEqual([[0, 1], [1], [2, 3, 4], [3], [4], [5, 4, 6]]);
    for (const id of [0, 2, 4]) {
      expect([...outputOf(next, id + 2).dataSync()]).toEqual([...outputOf(model, id).dataSync()]);
    }
  });
});

describe('assembleFactored', () => {
  test.each([
    [
      ['animals', 'cat'],
      ['owl', 'cat'],
    ],
    [
      ['cat', 'animals'],
      ['cat', 'owl'],
    ],
    [
      ['toys', 'dog', 'animals'],
      ['ball', 'dog', 'kite', 'owl'],
    ],
  ])('of %j keeps the classes whose groups are all there, bit for bit', (groups, names) => {
    const model = randomModel(config);
    const part = assembleFactored(model, { groups });
    const found = new Map(
      part.config.groups.flatMap((group) => group.classes.map((id, row) => [id, group.classNames![row]] as const)),
    );
    expect(Array.from({ length: part.config.dit.classes }, (_, id) => found.get(id))).toEqual(names);
    for (const [id, name] of names.entries()) {
      expectClose(outputOf(part, id), outputOf(model, NAMES.indexOf(name)), { rtol: 2e-5, atol: 2e-6 });
    }
  });

  test('refuses a group of which no class stays, and a dense model of several weights', () => {
    const model = randomModel(config);
    expect(() => assembleFactored(model, { groups: ['cat'] })).toThrow(
      "groups: expected all groups of a class of 'cat', which needs 'animals' too",
    );
    expect(() => assembleDense(model, { group: 'animals' })).toThrow(
      "got 'animals', whose class 0 is in 'animals' and whose class 1 is in 'animals', 'cat'",
    );
    const both = { ...config, groups: [GROUPS[1], { ...GROUPS[0], classes: [1], classNames: ['cat'] }] };
    expect(assembleDense({ ...model, config: both } as KindModel).config.classes).toBe(1);
  });

  test('keeps to a budget of multiply-accumulates for the class of most groups', () => {
    const model = randomModel(config);
    const { macs } = countAssembled(model);
    const small = assembleFactored(model, { budget: { macs: Math.floor(macs * 0.97) } });
    expect(countAssembled(small).macs).toBeLessThanOrEqual(Math.floor(macs * 0.97));
  });

  test('a mixture has the tailors of all groups of its classes', () => {
    const model = randomModel(config);
    const mixed = mixTailors(model, [
      { name: 'one', parts: [{ class: 2, weight: 1 }] },
      {
        name: 'two',
        parts: [
          { class: 1, weight: 0.5 },
          { class: 0, weight: 0.5 },
        ],
      },
    ]);
    expectClose(outputOf(mixed, 0), outputOf(model, 2), { rtol: 2e-5, atol: 2e-6 });
    // animals (2 components) once, cat (1) by half
    expect(mixed.params.tailors.two.blocks[0].attn.q!.s.size).toBe(3);
  });
});
