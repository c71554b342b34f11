import { expectClose, expectNoLeak, readFixture, relativeError } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { withPlainKernels } from '../test/register-plain';
import { normals, type Packed, unpack, useNnBackend } from '../test/setup';
import {
  adamWEmaStep,
  adamWStep,
  clipByGlobalNorm,
  disposeParams,
  flattenParams,
  globalNorm,
  initAdamW,
  initEma,
  mapParams,
  type ParamTree,
  updateEma,
  warmupDecay,
} from './index';

type Leaves = Record<'a' | 'b', Packed>;
interface Fixture {
  adamw: {
    options: { lr: number; betas: [number, number]; eps: number; weight_decay: number };
    params: Leaves;
    steps: { grads: Leaves; params: Leaves; m: Leaves; v: Leaves }[];
  }[];
  clip: { maxNorm: number; grads: Packed[]; norm: number; clipped: Packed[] }[];
  ema: { decay: number; start: Packed; updates: { params: Packed; ema: Packed }[] };
  schedules: Record<string, number[]>;
}

const torch = readFixture<Fixture>(import.meta.url, '../fixtures/torch.json');
const tree = ({ a, b }: Leaves) => ({ a: unpack(a), nested: { b: unpack(b) } });
type Params = ReturnType<typeof tree>;

beforeAll(useNnBackend);

/** Runs on the test backend's composites, and with the kernels of the seam on cpu. */
async function bothWays(work: () => void, kernels: string[]): Promise<void> {
  work();
  const backend = tf.getBackend();
  await tf.setBackend('cpu');
  try {
    expect(withPlainKernels(work)).toEqual(kernels);
  } finally {
    await tf.setBackend(backend);
  }
}

function expectLeaves(actual: Params, expected: Leaves): void {
  expect(relativeError(actual.a, expected.a.values)).toBeLessThan(1e-5);
  expect(relativeError(actual.nested.b, expected.b.values)).toBeLessThan(1e-5);
}

describe('AdamW', () => {
  const run = (index: number): void => {
    const { options, params: start, steps } = torch.adamw[index];
    let params = tree(start);
    let state = initAdamW(params);
    for (const step of steps) {
      const grads = tree(step.grads);
      const next = adamWStep(
        { params, grads, state },
        { learningRate: options.lr, betas: options.betas, eps: options.eps, weightDecay: options.weight_decay },
      );
      disposeParams({ params, grads, m: state.m, v: state.v });
      ({ params, state } = next);
      expectLeaves(params, step.params);
      expectLeaves(state.m, step.m);
      expectLeaves(state.v, step.v);
    }
    expect(state.step).toBe(steps.length);
    disposeParams({ params, m: state.m, v: state.v });
  };

  test.each([0, 1])('follows torch.optim.AdamW for five steps (case %i)', (index) =>
    bothWays(() => run(index), ['LearngeneAdamW']),
  );
  test('leaks nothing', () => expectNoLeak(() => run(0)));

  test('decays the weights by default as torch does', () => {
    const params = { w: tf.tensor1d([2]) };
    const grads = { w: tf.tensor1d([0]) };
    const next = adamWStep({ params, grads, state: initAdamW(params) }, { learningRate: 0.5 });
    expectClose(next.params.w, [2 * (1 - 0.5 * 0.01)]);
  });

  test('names a leaf that is missing', () => {
    const params = { w: tf.scalar(1) };
    const grads = {} as typeof params;
    expect(() => adamWStep({ params, grads, state: initAdamW(params) }, { learningRate: 1 })).toThrow(
      'grads: w is missing',
    );
    const wrong = { w: tf.ones([2]) as tf.Tensor } as unknown as typeof params;
    expect(() => adamWStep({ params, grads: wrong, state: initAdamW(params) }, { learningRate: 1 })).toThrow(
      'grads: w: expected [], got [2]',
    );
  });
});

describe('clipByGlobalNorm', () => {
  const run = (): void => {
    for (const { maxNorm, grads, norm, clipped } of torch.clip) {
      const before = { a: unpack(grads[0]), b: unpack(grads[1]) };
      const result = clipByGlobalNorm(before, maxNorm);
      expectClose(result.norm, norm);
      expect(relativeError(result.grads.a, clipped[0].values)).toBeLessThan(1e-5);
      expect(relativeError(result.grads.b, clipped[1].values)).toBeLessThan(1e-5);
      const alone = globalNorm(before);
      expectClose(alone, norm);
      disposeParams({ before, alone, ...result });
    }
  };

  test('follows torch.nn.utils.clip_grad_norm_', () => bothWays(run, ['LearngeneGlobalSquaredNorm']));
  test('leaks nothing', () => expectNoLeak(run));
  test('of an empty tree is 0', () => expectClose(globalNorm({}), 0));
});

describe('EMA', () => {
  const run = (): void => {
    const { decay, start, updates } = torch.ema;
    const first = { w: unpack(start) };
    let ema = initEma(first);
    disposeParams(first);
    for (const update of updates) {
      const params = { w: unpack(update.params) };
      const next = updateEma(ema, params, decay);
      disposeParams({ ema, params });
      ema = next;
      expect(relativeError(ema.w, update.ema.values)).toBeLessThan(1e-5);
    }
    disposeParams(ema);
  };

  test('follows torch.optim.swa_utils', () => bothWays(run, ['LearngeneEma']));
  test('leaks nothing', () => expectNoLeak(run));
  test('pairs leaves by their names, whatever the order and the nesting', () => {
    const ema: ParamTree = { a: tf.scalar(1), nested: { b: tf.scalar(2) } };
    for (const params of [
      { 'nested.b': tf.scalar(20), a: tf.scalar(10) },
      { nested: { b: tf.scalar(20) }, a: tf.scalar(10) },
    ]) {
      const next = updateEma<ParamTree>(ema, params, 0.5);
      expect([...flattenParams(next)].map(([name, x]) => [name, x.dataSync()[0]])).toEqual([
        ['a', 5.5],
        ['nested.b', 11],
      ]);
      disposeParams(next);
      disposeParams(params);
    }
    disposeParams(ema);
  });

  test('names a leaf that is missing', () => {
    expect(() => updateEma<{ w?: tf.Tensor }>({ w: tf.scalar(1) }, {}, 0.9)).toThrow('params: w is missing');
  });
  test('warms its decay up', () => {
    expect([0, 1, 1e6].map((step) => warmupDecay(0.999, step))).toEqual([0.1, 2 / 11, 0.999]);
  });
});

describe('training', () => {
  test('fits a line', () => {
    const x = normals(3)<tf.Rank.R2>(32, 2);
    const y = tf.matMul(x, tf.tensor2d([[2], [-1]]));
    let params = { w: tf.zeros([2, 1]) as tf.Tensor };
    let state = initAdamW(params);
    for (let step = 0; step < 150; step++) {
      tf.tidy(() => {
        const grads = mapParams(
          (w) => tf.matMul(x, tf.sub(tf.matMul(x, w as tf.Tensor2D), y) as tf.Tensor2D, true, false),
          params,
        );
        const next = adamWStep({ params, grads, state }, { learningRate: 0.05, weightDecay: 0 });
        params = mapParams((tensor) => tf.keep(tensor), next.params);
        state = { ...next.state, m: mapParams(tf.keep, next.state.m), v: mapParams(tf.keep, next.state.v) };
      });
    }
    expectClose(params.w, [2, -1], { atol: 1e-2 });
  });
});

describe('adamWEmaStep', () => {
  const random = normals(7);
  const draw = () => ({ a: random<tf.Rank.R2>(3, 5), nested: { b: random<tf.Rank.R1>(7) } });
  const options = { learningRate: 0.01, weightDecay: 0.1 };

  test.each([undefined, 0.5, 1e3])('is clipping, AdamW and the average one after the other (clipNorm %s)', (clipNorm) =>
    bothWays(
      () =>
        tf.tidy(() => {
          const [params, grads, ema] = [draw(), draw(), draw()];
          const v = mapParams((x) => tf.square(x), draw());
          const state = { step: 3, m: draw(), v };
          const clipped = clipNorm === undefined ? grads : clipByGlobalNorm(grads, clipNorm).grads;
          const expected = adamWStep({ params, grads: clipped, state }, options);
          const average = updateEma(ema, expected.params, 0.9);
          const actual = adamWEmaStep({ params, grads, state, ema }, { ...options, clipNorm, emaDecay: 0.9 });
          const norm = globalNorm(grads);
          const given = adamWEmaStep({ params, grads, state, ema, norm }, { ...options, clipNorm, emaDecay: 0.9 });
          expect(actual.state.step).toBe(4);
          for (const result of [actual, given]) {
            for (const [tree, other] of [
              [result.params, expected.params],
              [result.state.m, expected.state.m],
              [result.state.v, expected.state.v],
              [result.ema, average],
            ]) {
              expectClose(tree.a, other.a);
              expectClose(tree.nested.b, other.nested.b);
            }
          }
        }),
      ['LearngeneAdamW', 'LearngeneAdamWEma', 'LearngeneEma', 'LearngeneGlobalSquaredNorm'],
    ),
  );

  test('may write over what it was given, but not over clones of it', () =>
    tf.tidy(() => {
      // results of kernels: the caller's own arrays are never written
      const fresh = () => mapParams((x) => tf.square(x), draw());
      const grads = draw();
      const [params, ema, m, v] = [fresh(), fresh(), fresh(), fresh()];
      const step = { ...options, emaDecay: 0.9, clipNorm: 1 };
      const expected = adamWEmaStep({ params, grads, state: { step: 0, m, v }, ema }, step);
      const copies = [params, ema].map((tree) => mapParams((x) => tf.clone(x), tree));
      const before = [...params.a.dataSync()];
      const again = [ema, m, v].map((tree) => mapParams((x) => tf.add(x, 0), tree));
      const actual = adamWEmaStep(
        { params, grads, state: { step: 0, m: again[1], v: again[2] }, ema: again[0] },
        { ...step, donate: true },
      );
      for (const [tree, other] of [
        [actual.params, expected.params],
        [actual.state.m, expected.state.m],
        [actual.state.v, expected.state.v],
        [actual.ema, expected.ema],
      ]) {
        expectClose(tree.a, other.a);
        expectClose(tree.nested.b, other.nested.b);
      }
      expect([...copies[0].a.dataSync()]).toEqual(before);
    }));

  test('AdamW alone may write over what it was given too', () =>
    tf.tidy(() => {
      const fresh = () => mapParams((x) => tf.square(x), draw());
      const [params, grads, m, v] = [fresh(), draw(), fresh(), fresh()];
      const expected = adamWStep({ params, grads, state: { step: 0, m, v } }, options);
      const again = [params, m, v].map((tree) => mapParams((x) => tf.add(x, 0), tree));
      const held = tf.clone(again[0].a);
      const before = [...held.dataSync()];
      const state = { step: 0, m: again[1], v: again[2] };
      const actual = adamWStep({ params: again[0], grads, state }, { ...options, donate: true });
      expectClose(actual.params.nested.b, expected.params.nested.b);
      expectClose(actual.state.v.a, expected.state.v.a);
      expect([...held.dataSync()]).toEqual(before);
    }));

  test('leaks nothing, and disposes nothing that it was given', () =>
    expectNoLeak(() => {
      const [params, grads, ema, m, v] = [draw(), draw(), draw(), draw(), draw()];
      const next = adamWEmaStep(
        { params, grads, state: { step: 0, m, v }, ema },
        { ...options, clipNorm: 1, emaDecay: 0.9 },
      );
      for (const tree of [params, grads, ema, m, v, next.params, next.state.m, next.state.v, next.ema]) {
        disposeParams(tree);
      }
    }));
});
