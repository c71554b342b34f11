import { checkGradient } from '@learngene/testing';
import type { NamedTensorMap, Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { agree, holds, positiveSize, random } from '../../test/against-cpu';
import { type FusedOp, fusedOps, run, type Sizes } from '../../test/fused-ops';
import { NATIVE } from '../backend';
import { registerNativeBackend } from './register';

registerNativeBackend();

const sizes: fc.Arbitrary<Sizes> = fc.record({
  samples: fc.constantFrom(1, 2, 3, 5),
  tokens: fc.constantFrom(1, 2, 7, 33),
  width: positiveSize,
  other: fc.constantFrom(1, 2, 9, 16, 70),
  heads: fc.constantFrom(1, 2, 3),
});

/** The result and the gradients of all inputs: kernels on native, tfjs's own gradients of the formula on cpu. */
function everything(op: FusedOp, size: Sizes, seed: number): Tensor[] {
  const inputs = op.inputs(size, seed);
  if (tf.getBackend() === NATIVE) {
    const outputs = op.forward(inputs, size);
    const dy = random(outputs[0].shape, seed + 99, -1, 1);
    const grads = op.backward(dy, inputs, outputs, size);
    return [outputs[0], ...Object.keys(inputs).map((name) => grads[name])];
  }
  const y = op.formula(inputs, size);
  const dy = random(y.shape, seed + 99, -1, 1);
  const { grads } = tf.engine().gradients(() => op.formula(inputs, size), Object.values(inputs), dy);
  return [y, ...grads];
}

/** The op as tfjs sees one, with the gradient of its kernels. */
function differentiable(op: FusedOp, size: Sizes, names: string[]): (...xs: Tensor[]) => Tensor {
  const named = (list: Tensor[]) => Object.fromEntries(names.map((name, i) => [name, list[i]])) as NamedTensorMap;
  return tf.customGrad((...args) => {
    const save = args.pop() as tf.GradSaveFunc;
    const xs = args as Tensor[];
    const outputs = op.forward(named(xs), size);
    save([...xs, ...outputs]);
    const gradFunc = (dy: Tensor, saved: Tensor[]) => {
      const grads = op.backward(dy, named(saved), saved.slice(names.length), size);
      return names.map((name) => grads[name]);
    };
    return { value: outputs[0], gradFunc };
  });
}

describe.each(Object.keys(fusedOps))('%s', (name) => {
  const op = fusedOps[name];

  test('agrees with ops of the cpu backend, and so do its gradients', async () => {
    await holds(
      fc.tuple(sizes, fc.nat(1e6)),
      ([size, seed]) => agree(() => everything(op, size, seed), { relative: 2e-4, absolute: 2e-4 }),
      30,
    );
  });

  test('of no samples', async () => {
    if (name.startsWith('groupedLowRank')) return; // their segments hold samples
    await tf.setBackend(NATIVE);
    tf.tidy(() => {
      const size = { samples: 0, tokens: 3, width: 4, other: 5, heads: 2 };
      const inputs = op.inputs(size, 1);
      const outputs = op.forward(inputs, size);
      const grads = op.backward(tf.zeros(outputs[0].shape), inputs, outputs, size);
      for (const [key, x] of Object.entries(inputs)) {
        expect(grads[key].shape).toEqual(x.shape);
        expect([...grads[key].dataSync()]).toEqual(Array(x.size).fill(0));
      }
    });
  });

  test('has the gradients of finite differences', async () => {
    await tf.setBackend(NATIVE);
    const size = { samples: 2, tokens: 3, width: 4, other: 3, heads: 2 };
    tf.tidy(() => {
      const inputs = op.inputs(size, 3);
      const small = Object.values(inputs).map((x) => tf.mul(x, 0.3));
      checkGradient(differentiable(op, size, Object.keys(inputs)), small, { tolerance: 4e-3 });
    });
  });
});

describe.each(['groupedLowRankGelu', 'groupedLowRankGatedResidual', 'linearGelu', 'linearGatedResidual'])(
  '%s',
  (name) => {
    test('keeps nothing for a gradient where there is none', async () => {
      await tf.setBackend(NATIVE);
      const names: Record<string, string> = {
        linearGelu: 'LearngeneLinearGelu',
        linearGatedResidual: 'LearngeneLinearGatedResidual',
      };
      tf.tidy(() => {
        const inputs = fusedOps[name].inputs({ samples: 3, tokens: 7, width: 9, other: 16, heads: 1 }, 4);
        const attrs = { starts: [0, 2], ends: [1, 3] };
        const [kept, bare] = [true, false].map((keep) =>
          run(names[name] ?? 'LearngeneGroupedLowRankEpilogue', inputs, { ...attrs, keep }),
        );
        expect(bare).toHaveLength(1);
        expect(kept.length).toBeGreaterThan(1);
        expect(bare[0].dataSync()).toEqual(kept[0].dataSync());
      });
    });
  },
);

describe('over leaves', () => {
  const lengths = fc.array(fc.constantFrom(0, 1, 3, 17, 1000, 40_000), { minLength: 1, maxLength: 5 });
  const leaves = (shapes: number[], seed: number, low = -1) =>
    shapes.map((length, i) => random([length], seed + i, low, 1));
  /** Lists of leaves as a kernel takes them. */
  const lists = (inputs: Readonly<Record<string, tf.Tensor[] | tf.Tensor>>) => inputs as NamedTensorMap;

  test.each([false, true])('AdamW (clipped and averaged: %s)', async (averaged) => {
    const attrs = { learningRate: 0.01, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.1, step: 3 };
    await holds(
      fc.tuple(lengths, fc.nat(1e6)),
      ([shapes, seed]) =>
        agree(
          () => {
            const all = {
              p: leaves(shapes, seed),
              g: leaves(shapes, seed + 10),
              m: leaves(shapes, seed + 20),
              v: leaves(shapes, seed + 30, 0.01),
            };
            const e = leaves(shapes, seed + 40);
            if (tf.getBackend() === NATIVE) {
              if (!averaged) return run('LearngeneAdamW', lists(all), attrs);
              const more = lists({ ...all, e, norm: tf.scalar(4) });
              return run('LearngeneAdamWEma', more, { decay: 0.9, maxNorm: 2, ...attrs });
            }
            const results = shapes.map((_, i) => {
              const g = tf.mul(all.g[i], averaged ? 2 / (4 + 1e-6) : 1);
              const m = tf.add(tf.mul(all.m[i], 0.9), tf.mul(g, 0.1));
              const v = tf.add(tf.mul(all.v[i], 0.99), tf.mul(tf.square(g), 0.01));
              const root = tf.add(tf.sqrt(tf.div(v, 1 - 0.99 ** 3)), 1e-8);
              const step = tf.div(tf.mul(0.01 / (1 - 0.9 ** 3), m), root);
              const p = tf.sub(tf.mul(all.p[i], 1 - 0.01 * 0.1), step);
              return [p, m, v, ...(averaged ? [tf.add(tf.mul(e[i], 0.9), tf.mul(p, 0.1))] : [])];
            });
            return results[0].flatMap((_, part) => results.map((leaf) => leaf[part]));
          },
          { relative: 1e-5, absolute: 1e-6 },
        ),
      15,
    );
  });

  test('AdamW in place of what nothing else refers to', async () => {
    await tf.setBackend(NATIVE);
    tf.tidy(() => {
      const all = {
        p: leaves([40_000], 1),
        g: leaves([40_000], 2),
        m: leaves([40_000], 3),
        v: leaves([40_000], 4, 0.01),
        e: leaves([40_000], 5),
      };
      const own = Object.fromEntries(Object.entries(all).map(([name, [x]]) => [name, [tf.add(x, 0)]]));
      const attrs = { learningRate: 0.01, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0.1, step: 3 };
      const more = { decay: 0.9, maxNorm: 2, ...attrs };
      const held = tf.clone(own.m[0]);
      const before = [...own.m[0].dataSync().slice(0, 3)];
      const expected = run('LearngeneAdamWEma', lists(all), more);
      const actual = run('LearngeneAdamWEma', lists(own), { ...more, donate: true });
      expect(actual.map((x, i) => x === own[['p', 'm', 'v', 'e'][i]][0])).toEqual([true, false, true, true]);
      for (const [i, x] of expected.entries()) expect(actual[i].dataSync()).toEqual(x.dataSync());
      expect([...held.dataSync().slice(0, 3)]).toEqual(before);
      const sole = Object.fromEntries(Object.entries(all).map(([name, [x]]) => [name, [tf.add(x, 0)]]));
      const all4 = run('LearngeneAdamWEma', lists(sole), { ...more, donate: true });
      expect(all4.map((x, i) => x === sole[['p', 'm', 'v', 'e'][i]][0])).toEqual([true, true, true, true]);
      for (const [i, x] of expected.entries()) expect(all4[i].dataSync()).toEqual(x.dataSync());
    });
  });

  test('the average and the norm', async () => {
    await holds(
      fc.tuple(lengths, fc.nat(1e6)),
      ([shapes, seed]) =>
        agree(
          () => {
            const [e, p] = [leaves(shapes, seed), leaves(shapes, seed + 10)];
            if (tf.getBackend() === NATIVE) {
              const average = run('LearngeneEma', lists({ e, p }), { decay: 0.9 });
              return [...average, ...run('LearngeneGlobalSquaredNorm', lists({ x: p }))];
            }
            const average = shapes.map((_, i) => tf.add(tf.mul(e[i], 0.9), tf.mul(p[i], 0.1)));
            return [...average, tf.addN(p.map((tensor) => tf.sum(tf.square(tensor))))];
          },
          { relative: 1e-5, absolute: 1e-6 },
        ),
      15,
    );
  });
});
