import { applyDit, type DitParams, ditConfig, initDit } from '@learngene/dit';
import { cloneParams, disposeParams, flattenParams, groupPerClass, type ParamTree, sharedGroup } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { expectClose, expectNoLeak, relativeError, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { DIT, denseBase, inputsFor } from '../test/tiny';
import { attachAdapters } from './attach';
import { overlay, subTree } from './core/trees';
import { chooseLearngeneBlocks } from './methods/choose-blocks';
import { fineDescendant } from './methods/fine-descendant';
import { type AdaptedModel, trainableNames } from './model';

beforeAll(useTestBackend);

const DEEP = ditConfig({ ...DIT, depth: 4 });
const leaf = (tree: ParamTree, name: string) => subTree<tf.Tensor>(tree, name)!;

describe('Heur-LG and Auto-LG', () => {
  const attach = (base: DitParams, adapter: object): AdaptedModel =>
    attachAdapters(base, {
      dit: DEEP,
      adapter: adapter as { method: 'heur-lg' },
      groups: sharedGroup(2),
      generator: createGenerator(8),
    });

  test('inherits the blocks named and starts the rest anew', () => {
    tf.tidy(() => {
      const base = denseBase(1, DEEP) as DitParams & ParamTree;
      const { frozen, config } = attach(base, { method: 'heur-lg', blocks: [1, 3] });
      expect(config.dit).toEqual({ ...DEEP, classes: 2 });
      for (const block of [1, 3]) {
        expectClose(leaf(frozen, `blocks.${block}.mlp.in.weight`), leaf(base, `blocks.${block}.mlp.in.weight`));
      }
      expectClose(leaf(frozen, 'blocks.0.adaln.weight'), new Float32Array(6 * 16 * 16)); // adaLN-Zero
      expect(relativeError(leaf(frozen, 'patch.weight'), leaf(base, 'patch.weight'))).toBeGreaterThan(0.5);
    });
  });

  test('puts them last in a smaller descendant, with the frame when asked', () => {
    tf.tidy(() => {
      const base = denseBase(1, DEEP) as DitParams & ParamTree;
      const options = { method: 'auto-lg', blocks: [0, 2], depth: 3, frame: 'inherit', train: 'rest' };
      const model = attach(base, options);
      expect(model.config.dit.depth).toBe(3);
      expectClose(leaf(model.frozen, 'blocks.1.attn.q.weight'), leaf(base, 'blocks.0.attn.q.weight'));
      expectClose(leaf(model.frozen, 'blocks.2.attn.q.weight'), leaf(base, 'blocks.2.attn.q.weight'));
      expectClose(leaf(model.frozen, 'patch.weight'), leaf(base, 'patch.weight'));
      const names = trainableNames(model, 'all');
      expect(names.some((name) => name.startsWith('layers.blocks.0.'))).toBe(true);
      expect(names.some((name) => /^layers\.blocks\.[12]\./.test(name))).toBe(false);
    });
  });

  test('chooses the blocks that matter', async () => {
    // The loss compares with the trained model itself; its last block is made the one that does most.
    const dit = ditConfig({ ...DIT, depth: 3 });
    const base = tf.tidy(() => {
      const dense = denseBase(2, dit) as DitParams & ParamTree;
      const quiet = { blocks: { 0: { adaln: leafless(dense, 0) }, 1: { adaln: leafless(dense, 1) } } };
      return cloneParams(overlay(dense, quiet as unknown as ParamTree)) as DitParams;
    });
    const inputs = inputsFor([0, 1, 2], { dit });
    const wanted = applyDit(base, inputs, { config: dit });
    const loss = (params: DitParams) =>
      tf.mean(tf.square(tf.sub(applyDit(params, inputs, { config: dit }), wanted))) as tf.Scalar;
    const search = () => chooseLearngeneBlocks(base, { dit, count: 1, loss, generator: createGenerator(1), steps: 10 });
    const { blocks, gates } = search();
    expect(blocks).toEqual([2]);
    expect(gates[2]).toBeGreaterThan(0.6);
    await expectNoLeak(() => {
      search();
    });
    tf.dispose([inputs.x, inputs.t, wanted]);
    disposeParams(base);
    expect(() => chooseLearngeneBlocks(base, { dit, count: 4, loss, generator: createGenerator(1) })).toThrow(
      'count: expected an integer from 1 to 3, got 4',
    );
  });

  test('searches more blocks than a GPU binds tensors at once', () => {
    tf.tidy(() => {
      const dit = ditConfig({ ...DIT, depth: 9 });
      const base = denseBase(1, dit);
      const loss = ({ blocks }: DitParams) =>
        tf.sum(
          tf.square((blocks as { readonly [index: string]: { mlp: { in: { weight: tf.Tensor } } } })[3].mlp.in.weight),
        );
      const options = { dit, count: 1, loss: loss as (params: DitParams) => tf.Scalar, steps: 1 };
      const { gates } = chooseLearngeneBlocks(base, { ...options, generator: createGenerator(1) });
      expect(gates).toHaveLength(9);
      expect(gates.map((gate) => gate !== 0.5)).toEqual(gates.map((_, block) => block === 3));
    });
  });

  function leafless(tree: ParamTree, block: number): ParamTree {
    const { weight, bias } = subTree<{ weight: tf.Tensor; bias: tf.Tensor }>(tree, `blocks.${block}.adaln`)!;
    return { weight: tf.zerosLike(weight), bias: tf.zerosLike(bias) };
  }
});

describe('FINE', () => {
  test('at full rank of one block is the model itself', () => {
    tf.tidy(() => {
      const dit = ditConfig({ ...DIT, depth: 1 });
      const base = denseBase(1, dit);
      const same = fineDescendant(base, { dit, depth: 1, sweeps: 1 });
      const inputs = inputsFor([0, 4, 5], { dit });
      const [y, wanted] = [same, base].map((params) => applyDit(params, inputs, { config: dit }));
      expect(relativeError(y, wanted)).toBeLessThan(1e-5);
    });
  });

  test('makes models of other depths whose ends are the old ends', () => {
    tf.tidy(() => {
      const base = denseBase(1, DEEP) as DitParams & ParamTree;
      for (const depth of [1, 2, 7]) {
        const made = fineDescendant(base, { dit: DEEP, depth, rank: 6, sweeps: 2 }) as DitParams & ParamTree;
        const fresh = initDit(createGenerator(0), ditConfig({ ...DEEP, depth }));
        const shapes = (tree: ParamTree) =>
          [...flattenParams(tree)].map(([name, { shape }]) => `${name} ${shape}`).sort();
        expect(shapes(made)).toEqual(shapes(fresh as DitParams & ParamTree));
        expectClose(leaf(made, 'blocks.0.adaln.bias'), leaf(base, 'blocks.0.adaln.bias'));
        if (depth > 1) expectClose(leaf(made, `blocks.${depth - 1}.attn.o.bias`), leaf(base, 'blocks.3.attn.o.bias'));
      }
      const middle = fineDescendant(base, { dit: DEEP, depth: 7, rank: 6 }) as DitParams & ParamTree;
      const mean = tf.div(tf.add(leaf(base, 'blocks.0.adaln.bias'), leaf(base, 'blocks.1.adaln.bias')), 2);
      expectClose(leaf(middle, 'blocks.1.adaln.bias'), mean);
    });
  });

  test('shares u and v between blocks, and leaks nothing', async () => {
    tf.tidy(() => {
      const model = attachAdapters(denseBase(), {
        dit: DIT,
        adapter: { method: 'fine', sweeps: 30 },
        groups: groupPerClass(2),
        generator: createGenerator(1),
      });
      for (const name of ['attn.q.u', 'mlp.out.v']) {
        expectClose(leaf(model.frozen, `blocks.0.${name}`), leaf(model.frozen, `blocks.1.${name}`), {
          rtol: 0,
          atol: 0,
        });
      }
      expect(
        relativeError(leaf(model.frozen, 'blocks.0.attn.q.s'), leaf(model.frozen, 'blocks.1.attn.q.s')),
      ).toBeGreaterThan(0.1);
    });
    await expectNoLeak(() => {
      const base = denseBase();
      disposeParams(fineDescendant(base, { dit: DIT, depth: 3, rank: 4 }));
      disposeParams(base);
    });
  });

  test('names what is wrong', () => {
    const base = denseBase();
    expect(() => fineDescendant(base, { dit: DIT, depth: 0 })).toThrow('depth: expected a positive integer, got 0');
    expect(() => fineDescendant(base, { dit: DIT, depth: 1, rank: 99 })).toThrow('rank: expected an integer from 1');
    disposeParams(base);
  });
});
