import { expectClose, expectNoLeak, readFixture, relativeError } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { withPlainKernels } from '../test/register-plain';
import { normals, type Packed, unpack, useNnBackend } from '../test/setup';
import {
  type AdamWState,
  adamWEmaStep,
  cloneParams,
  disposeParams,
  globalNorm,
  initAdamW,
  mapParams,
  type ParameterGroup,
  type ParamTree,
  stepParameterGroups,
} from './index';

type Name = 'a' | 'b' | 'c';
interface Fixture {
  groups: Record<Name, { lr: number; weight_decay: number }>;
  betas: [number, number];
  maxNorm: number;
  emaDecay: number;
  params: Record<Name, Packed>;
  steps: {
    grads: Partial<Record<Name, Packed>>;
    norm: number;
    steps: Record<Name, number>;
    params: Record<Name, Packed>;
    ema: Record<Name, Packed>;
  }[];
}
interface State {
  params: ParamTree;
  state: AdamWState;
  ema: ParamTree;
}

const torch = readFixture<{ parameterGroups: Fixture }>(import.meta.url, '../fixtures/torch.json').parameterGroups;

beforeAll(useNnBackend);

/** Torch's groups, by leaf name, with rates as parts of one rate. */
const learningRate = torch.groups.a.lr;
const settings = (name: Name) => ({
  learningRateScale: torch.groups[name].lr / learningRate,
  weightDecay: torch.groups[name].weight_decay,
});

const start = (names: readonly Name[]): State => {
  const params = Object.fromEntries(names.map((name) => [name, unpack(torch.params[name])]));
  return { params, state: initAdamW(params), ema: cloneParams(params) };
};

/** Trains groups of the leaves named, as torch did, and compares every step. */
function follow(groups: readonly (Omit<ParameterGroup, keyof State> & { names: readonly Name[] })[]): void {
  let now: readonly State[] = groups.map(({ names }) => start(names));
  for (const step of torch.steps) {
    const grads = groups.map(({ names }) => {
      const known = names.flatMap((name) => (step.grads[name] ? [[name, unpack(step.grads[name])] as const] : []));
      return known.length > 0 ? (Object.fromEntries(known) as ParamTree) : undefined;
    });
    const { groups: next, gradientNorm } = stepParameterGroups(
      groups.map(({ names: _, ...own }, i): ParameterGroup => ({ ...now[i], ...own, grads: grads[i] })),
      { learningRate, betas: torch.betas, clipNorm: torch.maxNorm, emaDecay: torch.emaDecay },
    );
    expectClose(gradientNorm, step.norm);
    for (const [i, { names }] of groups.entries()) {
      expect(next[i].params === now[i].params).toBe(grads[i] === undefined);
      expect(next[i].state.step).toBe(step.steps[names[0]]);
      for (const name of names) {
        expect(relativeError(next[i].params[name] as tf.Tensor, step.params[name].values)).toBeLessThan(1e-6);
        expect(relativeError(next[i].ema[name] as tf.Tensor, step.ema[name].values)).toBeLessThan(1e-6);
      }
      const { params, state, ema } = now[i];
      if (grads[i]) disposeParams({ params, ema, m: state.m, v: state.v, grads: grads[i] });
    }
    gradientNorm.dispose();
    now = next;
  }
  for (const { params, state, ema } of now) disposeParams({ params, ema, m: state.m, v: state.v });
}

/** Runs on the test backend's composites, and with the kernels of the seam on cpu. */
async function bothWays(work: () => void): Promise<void> {
  work();
  const backend = tf.getBackend();
  await tf.setBackend('cpu');
  try {
    expect(withPlainKernels(work)).toEqual(['LearngeneAdamWEma', 'LearngeneGlobalSquaredNorm']);
  } finally {
    await tf.setBackend(backend);
  }
}

describe('stepParameterGroups', () => {
  const three = (['a', 'b', 'c'] as const).map((name) => ({ names: [name], ...settings(name) }));
  const two = [
    {
      names: ['a', 'b'] as const,
      ...settings('a'),
      leaves: [{ includes: (name: string) => name === 'b', ...settings('b') }],
    },
    { names: ['c'] as const, ...settings('c') },
  ];

  test('follows torch.optim.AdamW of three groups, one with a clock of its own', () => bothWays(() => follow(three)));
  test('follows it where two groups are leaves of one tree', () => bothWays(() => follow(two)));
  test('leaks nothing', () => expectNoLeak(() => follow(two)));

  const random = normals(3);
  const tree = () => ({ w: random<tf.Rank.R2>(3, 5), nested: { b: random<tf.Rank.R1>(7) } });
  const group = (more: object = {}): ParameterGroup => {
    const params = tree();
    const state = { step: 2, m: tree(), v: mapParams((x) => tf.square(x), tree()) };
    return { params, grads: tree(), state, ema: tree(), ...more };
  };
  const options = { learningRate: 0.01, weightDecay: 0.1, clipNorm: 0.5, emaDecay: 0.9 };
  const values = ({ params, state, ema }: State) =>
    [params, state.m, state.v, ema].flatMap((part) => {
      const { w, nested } = part as ReturnType<typeof tree>;
      return [[...w.dataSync()], [...nested.b.dataSync()]];
    });

  test('is adamWEmaStep of every group with the common norm, to the bit', () =>
    tf.tidy(() => {
      const groups = [group(), group({ learningRateScale: 0.25 }), group({ weightDecay: 0 }), group()];
      const norm = globalNorm(Object.fromEntries(groups.map(({ grads }, i) => [i, grads])));
      const result = stepParameterGroups(groups, options);
      const own = [{}, { learningRate: 0.01 * 0.25 }, { weightDecay: 0 }, {}];
      for (const [i, { params, grads, state, ema }] of groups.entries()) {
        const alone = adamWEmaStep({ params, grads: grads!, state, ema, norm }, { ...options, ...own[i] });
        expect(values(result.groups[i])).toEqual(values(alone));
        expect(result.groups[i].state.step).toBe(3);
      }
      expect(result.gradientNorm.dataSync()).toEqual(norm.dataSync());
    }));

  test('makes one kernel call a group, and one more for leaves whose settings differ', async () => {
    const backend = tf.getBackend();
    await tf.setBackend('cpu');
    const calls = async (groups: readonly ParameterGroup[]) => {
      let profile: ReturnType<typeof tf.profile> | undefined;
      withPlainKernels(() => (profile = tf.profile(() => stepParameterGroups(groups, options).gradientNorm)));
      return (await profile)!.kernels.filter(({ name }) => name === 'LearngeneAdamWEma').length;
    };
    const includes = (name: string) => name === 'w';
    expect(await calls([group(), group()])).toBe(2);
    expect(await calls([group({ leaves: [{ includes, weightDecay: 0 }] }), group()])).toBe(3);
    expect(await calls([group({ leaves: [{ includes, weightDecay: 0.1 }] }), group({ grads: undefined })])).toBe(1);
    await tf.setBackend(backend);
  });

  test('lets leaves fall back on the group, and the group on the step', () =>
    tf.tidy(() => {
      const one = group({ learningRateScale: 0.5, weightDecay: 0.3 });
      const same = { ...one, leaves: [{ includes: () => true }, { includes: () => true, weightDecay: 0 }] };
      const [a, b] = [one, same].map((each) => values(stepParameterGroups([each], options).groups[0]));
      expect(b).toEqual(a);
    }));

  test('skips every group: a norm of 0, the same objects', () => {
    const skipped = group({ grads: undefined });
    const { groups, gradientNorm } = stepParameterGroups([skipped], options);
    expect(groups[0].params === skipped.params && groups[0].state === skipped.state).toBe(true);
    expectClose(gradientNorm, 0);
    expectClose(stepParameterGroups([], options).gradientNorm, 0);
  });

  test.each<[string, () => readonly object[], string | RegExp]>([
    ['an unknown field', () => [group(), group({ lr: 1 })], 'groups[1]: expected only name, params, grads'],
    ['a rate below 0', () => [group({ learningRateScale: -1 })], 'groups[0].learningRateScale: expected a finite'],
    ['a decay that is no number', () => [group({ weightDecay: '0' })], 'groups[0].weightDecay: expected a finite'],
    ['a clock that is not whole', () => [group({ state: { step: 0.5 } })], 'groups[0].state.step: expected a whole'],
    ['gradients of another shape', () => [group({ grads: { w: tf.zeros([3, 5]) } })], 'groups[0].grads: nested.b is'],
    ['a named group', () => [group({ name: 'tailors.cat', ema: {} })], 'tailors.cat.ema: w is missing'],
    ['an average of another shape', () => [group(), group({ ema: {} })], 'groups[1].ema: w is missing'],
    [
      'a leaf twice',
      () => {
        const one = group();
        return [one, { ...group(), params: one.params }];
      },
      /^groups\[1\]\.params: expected each/,
    ],
    [
      'settings of leaves',
      () => [group({ leaves: [{ includes: () => true, decay: 1 }] })],
      'groups[0].leaves[0]: expected only',
    ],
    [
      'a rate of leaves',
      () => [group({ leaves: [{ includes: () => true, learningRateScale: Number.NaN }] })],
      'groups[0].leaves[0].learningRateScale',
    ],
    [
      'a predicate that is none',
      () => [group({ leaves: [{ includes: 'w' }] })],
      "groups[0].leaves[0].includes: expected a function, got 'w'",
    ],
  ])('refuses %s by name', (_, groups, message) => {
    tf.tidy(() => {
      expect(() => stepParameterGroups(groups() as ParameterGroup[], options)).toThrow(message);
    });
  });
});
