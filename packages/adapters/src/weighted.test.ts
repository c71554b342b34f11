import { disposeParams, type ParamTree, unflattenParams } from '@learngene/nn';
import { createGenerator, normal } from '@learngene/random';
import { expectClose, expectNoLeak, relativeError, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { DIT, fixture, NAMES, short, tensor } from '../test/peft';
import { type Leaves, mainLayers, subTree } from './core/trees';
import type { LoraConfig } from './methods/lora';
import { type CombineOptions, combineLoras, combineTailors, type LoraAdapter } from './weighted';

beforeAll(useTestBackend);

const CONFIGS: Record<string, LoraConfig> = {
  first: { method: 'lora', rank: 2, alpha: 4, rsLora: false },
  second: { method: 'lora', rank: 3, alpha: 3, rsLora: true },
  third: { method: 'lora', rank: 2, alpha: 1, rsLora: false },
};

function adapter(name: string): LoraAdapter {
  const stored = fixture('weighted');
  const leaves = NAMES.flatMap((layer): [string, tf.Tensor][] => [
    [`${layer}.a`, tf.transpose(tensor(stored.get(`${layer}.lora_A.${name}.weight`)))],
    [`${layer}.b`, tensor(stored.get(`${layer}.lora_B.${name}.weight`))],
  ]);
  return { config: CONFIGS[name], layers: unflattenParams(new Map(leaves)) };
}

/** b aᵀ of a layer. */
function product({ layers }: LoraAdapter, name: string): tf.Tensor {
  const { a, b } = subTree<Leaves>(layers, name)!;
  return tf.matMul(b as tf.Tensor2D, a as tf.Tensor2D, false, true);
}

const PLANS: Record<string, { names: string[]; rank: number } & Partial<CombineOptions>> = {
  cat: { names: ['first', 'second'], combination: 'cat', rank: 5 },
  svd: { names: ['first', 'second'], rank: 3 },
  svd4: { names: ['first', 'second'], rank: 4 },
  linear: { names: ['first', 'third'], combination: 'linear', rank: 2 },
  linear3: { names: ['first', 'third', 'third'], combination: 'linear', rank: 2 },
};

describe("PEFT's add_weighted_adapter", () => {
  test.each(Object.entries(PLANS))('%s', (plan, { names, combination, rank }) => {
    tf.tidy(() => {
      const weights = [0.7, -0.4, 0.5].slice(0, names.length);
      const options = { dit: DIT, weights, combination, ...(plan === 'svd4' && { rank }) };
      const merged = combineLoras(names.map(adapter), options);
      expect(merged.config).toEqual({ method: 'lora', rank, alpha: rank, rsLora: false });
      for (const name of NAMES) {
        const wanted = tensor(fixture('weighted').get(`${plan}.${short(name)}`));
        expect(relativeError(product(merged, name), wanted)).toBeLessThan(1e-6);
      }
    });
  });
});

test("'linear' takes more adapters than a GPU binds at once", () => {
  tf.tidy(() => {
    const first = adapter('first');
    const [copies, weights] = [new Array<LoraAdapter>(9).fill(first), new Array<number>(9).fill(1 / 81 / 2)];
    const merged = combineLoras(copies, { dit: DIT, weights, combination: 'linear' }); // the scaling of 'first' is 2
    for (const name of NAMES) expect(relativeError(product(merged, name), product(first, name))).toBeLessThan(1e-6);
  });
});

function tailors(seed: number, rank: number): ParamTree {
  const g = createGenerator(seed);
  const draw = (shape: [number] | [number, number]) =>
    tf.tensor(
      normal(
        g,
        shape.reduce((a, b) => a * b),
      ),
      shape,
    );
  return mainLayers(DIT, (name) => {
    const [inputs, out] = name.endsWith('mlp.in') ? [8, 16] : name.endsWith('mlp.out') ? [16, 8] : [8, 8];
    return { u: draw([out, rank]), s: draw([rank]), v: draw([inputs, rank]) };
  });
}

function composed(tree: ParamTree, name: string): tf.Tensor {
  const { u, s, v } = subTree<Leaves>(tree, name)!;
  return tf.matMul(tf.mul(u, s) as tf.Tensor2D, v as tf.Tensor2D, false, true);
}

describe('tailors', () => {
  test.each(['cat', 'svd'] as const)('%s is the exact weighted sum at full rank', (combination) => {
    tf.tidy(() => {
      const both = [tailors(1, 2), tailors(2, 3)];
      const weights = [0.6, -1.5];
      const merged = combineTailors(both, {
        dit: DIT,
        weights,
        combination,
        ...(combination === 'svd' && { rank: 5 }),
      });
      for (const name of NAMES) {
        const sum = tf.addN(both.map((tree, i) => tf.mul(weights[i], composed(tree, name))));
        expectClose(composed(merged, name), sum, { atol: 1e-5 });
      }
    });
  });

  test('linear of one adapter with weight 1 is that adapter, and scales with the weight', () => {
    tf.tidy(() => {
      const tree = tailors(3, 2);
      for (const weight of [1, -2]) {
        const merged = combineTailors([tree], { dit: DIT, weights: [weight], combination: 'linear' });
        for (const name of NAMES)
          expectClose(composed(merged, name), tf.mul(weight, composed(tree, name)), { atol: 1e-5 });
      }
    });
  });

  test('svd is no worse than any other of its rank: the error is the tail of the spectrum', () => {
    tf.tidy(() => {
      const both = [tailors(1, 2), tailors(2, 2)];
      const merged = combineTailors(both, { dit: DIT, weights: [1, 1], rank: 2 });
      const exact = combineTailors(both, { dit: DIT, weights: [1, 1], rank: 4 });
      for (const name of NAMES) {
        const s = subTree<Leaves>(exact, name)!.s.dataSync();
        const rest = relativeError(composed(merged, name), composed(exact, name));
        expectClose(rest, Math.hypot(s[2], s[3]) / Math.hypot(...s), { rtol: 1e-4 });
      }
    });
  });

  test('leaks nothing', () =>
    expectNoLeak(() => {
      const both = [tailors(1, 2), tailors(2, 3)];
      const merged = combineTailors(both, { dit: DIT, weights: [1, 1] });
      for (const tree of [...both, merged]) disposeParams(tree);
    }));
});

describe('bad input', () => {
  const combine = (options: Partial<CombineOptions>, trees = [tailors(1, 2), tailors(2, 3)]) =>
    tf.tidy(() => combineTailors(trees, { dit: DIT, weights: [1, 1], ...options }) as never);
  test.each([
    ['none', () => combine({ weights: [] }, []), 'adapters: expected at least one, got none'],
    ['weights', () => combine({ weights: [1] }), 'weights: expected 2, one an adapter, got 1'],
    ['NaN', () => combine({ weights: [1, Number.NaN] }), 'weights: expected finite numbers, got NaN'],
    [
      'combination',
      () => combine({ combination: 'ties' as never }),
      'combination: expected "svd" or "linear" or "cat"',
    ],
    ['ranks', () => combine({ combination: 'linear' }), "adapters: expected equal ranks for 'linear', got 2, 3"],
    ['rank', () => combine({ combination: 'cat', rank: 2 }), "rank: expected none with 'cat'"],
    ['rank 0', () => combine({ rank: 0 }), 'rank: expected a positive integer, got 0'],
    ['layer', () => combine({}, [tailors(1, 2), {}]), 'adapters[1]: expected blocks.0.attn.q.u, got none'],
  ])('%s', (_, act, message) => {
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      expect(act).toThrow(message);
    });
    expect(tf.memory().numTensors).toBe(before);
  });
});
