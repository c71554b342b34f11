import { applyDit, blockLinearNames, type DitParams, ditConfig, initDit, linearShape } from '@learngene/dit';
import { disposeParams, flattenParams, type LinearParams, type ParamTree, prefetch, valueAndGrad } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { composeDense, concatComponents, type FactoredParams, factorDense } from '@learngene/tensor-svd';
import { expectClose, expectNoLeak, relativeError, useTestBackend, weighted } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { DIT, GROUPS, inputsFor, jitter, noisyKind, tinyConfig, valuesOf } from '../test/tiny';
import { applyKind } from './apply';
import { kindConfig } from './config';
import { freshTailors } from './fresh-tailors';
import { kindFromDense } from './from-dense';
import { initKind } from './init';
import { type KindParams, subTree } from './params';

beforeAll(useTestBackend);

const norm = (x: tf.Tensor) => tf.tidy(() => tf.norm(x).dataSync()[0]);

/** A dense DiT with nothing at zero. */
const denseDit = () => jitter(createGenerator(8), initDit(createGenerator(7), DIT), 0.1);

describe('initKind', () => {
  test.each(['orthogonal', 'xavier'] as const)(
    'composes weights of the size of initDit at any rank, and starts at output zero (%s)',
    (init) => {
      const dit = ditConfig({ ...DIT, hiddenSize: 64 });
      const dense = initDit(createGenerator(1), dit);
      for (const learngeneRank of [4, 32]) {
        const config = kindConfig({ dit, learngeneRank, tailorRank: 4, groups: GROUPS });
        const params = initKind(createGenerator(1), config, { init });
        for (const name of blockLinearNames(dit)) {
          const common = subTree<FactoredParams>(params.learngenes, name)!;
          const composed = composeDense(concatComponents(common, subTree<FactoredParams>(params.tailors.trees, name)!));
          const [trees, pets] = ['trees', 'pets'].map(
            (group) => subTree<FactoredParams>(params.tailors[group], name)!.u,
          );
          expect(relativeError(trees, pets)).toBe(0);
          const ratio = norm(composed.weight) / norm(subTree<LinearParams>(dense, name)!.weight);
          expect(Math.abs(ratio - 1), name).toBeLessThan(0.03);
          expect(norm(composed.bias!)).toBe(0);
        }
        const y = applyKind(params, inputsFor([0, 1, 5]), { config });
        expect(norm(y)).toBe(0);
        // The dense parts come from the same draws as initDit's.
        expectClose(params.shared.patch.weight, dense.patch.weight);
        expectClose(params.shared.time.out.weight, dense.time.out.weight);
        expect(params.gate).toBeUndefined();
      }
    },
  );

  test('takes the leading singular components of a Xavier weight, learngenes before tailors', () => {
    const config = tinyConfig();
    const params = initKind(createGenerator(1), config, { init: 'xavier' });
    for (const name of blockLinearNames(config.dit)) {
      const common = subTree<FactoredParams>(params.learngenes, name)!;
      const own = subTree<FactoredParams>(Object.values(params.tailors)[0], name)!;
      const s = [...common.s.dataSync(), ...own.s.dataSync()];
      expect(s).toEqual(s.toSorted((a, b) => b - a));
      const u = tf.concat([common.u, own.u], 1);
      expectClose(tf.matMul(u, u, true), tf.eye(s.length), { atol: 1e-5 });
    }
  });

  test('has the tree of the config, in the groups named, and label rows of N(0, 0.02²)', () => {
    const config = kindConfig({
      dit: ditConfig({ ...DIT, classes: 400 }),
      learngeneRank: 4,
      tailorRank: 2,
      groups: [{ name: 'a', classes: Array.from({ length: 400 }, (_, id) => id) }],
      gate: 'soft',
    });
    const params = initKind(createGenerator(1), config);
    const { mean, variance } = tf.moments(params.tailors.a.label.rows);
    expect(Math.abs(mean.dataSync()[0])).toBeLessThan(0.001);
    expect(Math.sqrt(variance.dataSync()[0])).toBeCloseTo(0.02, 3);
    expect(params.shared.label.null.shape).toEqual([1, 16]);
    // 16 values of N(0, 0.02²): their norm is about 0.08.
    expect(Math.abs(norm(params.shared.label.null) / 0.08 - 1)).toBeLessThan(0.5);
    expect(params.gate?.weight.shape).toEqual([1, 16]);
    const { blocks } = params.learngenes;
    expect(Object.keys(blocks)).toEqual(['0', '1']);
    expect([blocks[0].mlp.in.u.shape, blocks[0].mlp.in.v.shape]).toEqual([
      [32, 4],
      [16, 4],
    ]);
    expect(params.tailors.a.blocks[1].mlp.out!.v.shape).toEqual([32, 2]);
  });

  test('is decided by the seed and leaks nothing', async () => {
    const config = tinyConfig({ gate: 'soft' });
    expect(valuesOf(initKind(createGenerator(3), config))).toEqual(valuesOf(initKind(createGenerator(3), config)));
    await expectNoLeak(() => disposeParams(initKind(createGenerator(3), config)));
    expect(() => initKind(createGenerator(1), { ...config, learngeneRank: 99 })).toThrow('rank');
    expect(() => initKind(createGenerator(1), { ...config, tailorRank: 0 })).toThrow('tailorRank');
  });
});

describe('freshTailors', () => {
  test('add exactly nothing, and yet u has a gradient at once', () => {
    const config = tinyConfig();
    const params = noisyKind(config);
    const pets = freshTailors(createGenerator(4), config, GROUPS[0], { labelRow: params.shared.label.null });
    const fresh = { ...params, tailors: { ...params.tailors, pets } };
    const inputs = inputsFor([3, 0]);
    const agnostic = applyKind(params, { ...inputs, labels: Int32Array.of(5, 5) }, { config });
    expect(relativeError(applyKind(fresh, inputs, { config }), agnostic)).toBe(0);
    const { grads } = valueAndGrad(
      (own: KindParams['tailors'][string]) =>
        weighted(applyKind({ ...fresh, tailors: { ...fresh.tailors, pets: own } }, inputs, { config })),
      pets,
    );
    for (const [name, grad] of flattenParams(grads)) {
      const live = name.endsWith('.u') || name === 'label.rows';
      if (!name.includes('attn.k')) expect(norm(grad) > 1e-6, name).toBe(live);
    }
  });

  test('have orthonormal v, unit s and random label rows of their own', () => {
    const { blocks, label } = freshTailors(createGenerator(4), tinyConfig(), GROUPS[0]);
    const { u, s, v } = blocks[1].mlp.out!;
    expectClose(tf.matMul(v, v, true), [1, 0, 0, 1], { atol: 1e-6 });
    expectClose(s, [1, 1]);
    expect(norm(u)).toBe(0);
    expect(label.rows.shape).toEqual([2, 16]);
    expect(norm(label.rows)).toBeGreaterThan(0.03);
  });

  test('leak nothing', () =>
    expectNoLeak(() => disposeParams(freshTailors(createGenerator(4), tinyConfig(), GROUPS[0]))));
});

describe('kindFromDense', () => {
  const generator = createGenerator(2);

  test('computes what the dense model does at full rank, for classes and the dropped label', async () => {
    const dense = denseDit();
    await prefetch(dense as DitParams & ParamTree);
    const config = tinyConfig({ learngeneRank: 12, tailorRank: 4, nullGate: 'own-class' });
    const params = kindFromDense(dense, config, { generator });
    const inputs = inputsFor([3, 1, 0, 4]);
    const y = applyKind(params, inputs, { config });
    expect(relativeError(y, applyDit(dense, inputs, { config: DIT }))).toBeLessThan(1e-5);
    const unconditional = applyDit(dense, { ...inputs, labels: Int32Array.of(5, 5, 5, 5) }, { config: DIT });
    expect(relativeError(applyKind(params, inputs, { config, dropped: [1, 1, 1, 1] }), unconditional)).toBeLessThan(
      1e-5,
    );
  });

  test('composes for every group the best approximation of rank N_G + N_t, with the top components as learngenes', async () => {
    const dense = denseDit();
    await prefetch(dense as DitParams & ParamTree);
    const config = tinyConfig({ learngeneRank: 3, tailorRank: 2 });
    const params = kindFromDense(dense, config, { generator });
    for (const name of ['blocks.0.attn.q', 'blocks.1.mlp.out']) {
      const best = factorDense(subTree<LinearParams>(dense, name)!, { rank: 5 });
      const common = subTree<FactoredParams>(params.learngenes, name)!;
      for (const group of ['pets', 'x']) {
        const own = subTree<FactoredParams>(params.tailors[group], name)!;
        const composed = composeDense(concatComponents(common, own));
        expect(relativeError(composed.weight, composeDense(best).weight)).toBeLessThan(1e-5);
        expect(common.s.dataSync()[2]).toBeGreaterThanOrEqual(own.s.dataSync()[0]);
      }
    }
    expectClose(params.tailors.pets.label.rows, tf.gather(dense.label.table, tf.tensor1d([3, 0], 'int32')));
    const sketched = kindFromDense(dense, config, { generator, randomized: true });
    expect(sketched.learngenes.blocks[0].attn.q.u.shape).toEqual([16, 3]);
  });

  test('owns its tensors, leaks nothing, rejects what does not fit', async () => {
    const dense = denseDit();
    await prefetch(dense as DitParams & ParamTree);
    const config = tinyConfig();
    await expectNoLeak(() => disposeParams(kindFromDense(dense, config, { generator })));
    expect([...flattenParams(dense).values()].some((leaf) => leaf.isDisposed)).toBe(false);
    const make = (change: object) => () => kindFromDense(dense, tinyConfig(change), { generator });
    expect(make({ learngeneRank: 15 })).toThrow('learngeneRank + tailorRank: expected at most 16');
    expect(make({ dit: { ...DIT, classes: 6 } })).toThrow('label.table');
    expect(make({ dit: { ...DIT, depth: 3 } })).toThrow('dense: expected a layer blocks.2.attn.q, got none');
    expect(make({ dit: { ...DIT, mlpRatio: 3 } })).toThrow('dense.blocks.0.mlp.in.weight');
    expect(linearShape(DIT, 'blocks.0.mlp.in')).toEqual({ in: 16, out: 32 });
  });
});
