import { type DitParams, ditConfig } from '@learngene/dit';
import { mapParams, type ParamTree, paramLeaves, sharedGroup } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { expectClose, useDeviceBackend, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it as test } from 'vitest';
import { baseFor, DIT, denseBase, inputsFor, METHODS, titleOf } from '../test/tiny';
import {
  type AdapterConfigInput,
  applyAdapted,
  attachAdapters,
  attachAdaptersAsync,
  chooseLearngeneBlocks,
  chooseLearngeneBlocksAsync,
  combineLoras,
  combineLorasAsync,
  combineTailors,
  combineTailorsAsync,
  fineDescendant,
  fineDescendantAsync,
  type LoraAdapter,
  lowRankFromDense,
  lowRankFromDenseAsync,
  tailorsOfLora,
  tailorsOfLoraAsync,
} from './index';

/** The tree after an op on every tensor, so that a device holds them. */
const used = <T>(tree: T): T => mapParams((x) => tf.mul(x, 1), tree as ParamTree) as T;

const numbers = async (result: ParamTree): Promise<number[]> => {
  const all = await Promise.all(paramLeaves(result).map((x) => x.data()));
  return all.flatMap((values) => [...values]);
};

const attach = (adapter: AdapterConfigInput) => {
  const base = () => used(baseFor(adapter));
  const options = () => ({ dit: DIT, adapter, groups: sharedGroup(2), generator: createGenerator(3) });
  const tensors = ({ frozen, adapters }: ReturnType<typeof attachAdapters>) =>
    ({ frozen, adapters }) as unknown as ParamTree;
  return {
    sync: () => tensors(attachAdapters(base(), options())),
    async: async () => tensors(await attachAdaptersAsync(base(), options())),
  };
};

const loras = (): LoraAdapter[] =>
  [4, 5].map((seed) => {
    const { adapters } = attachAdapters(denseBase(), {
      dit: DIT,
      adapter: { method: 'lora', rank: 3, alpha: 6 },
      groups: sharedGroup(2),
      generator: createGenerator(seed),
    });
    const layers = mapParams((x) => tf.add(x, 0.1 * seed), Object.values(adapters)[0].layers);
    return { config: { method: 'lora', rank: 3, alpha: 6, rsLora: false }, layers };
  });

const usedLora = (): LoraAdapter => ({ ...loras()[0], layers: used(loras()[0].layers) });

const tailors = (): ParamTree[] =>
  [4, 5].map((seed) => {
    const { layers } = loras()[seed - 4];
    const blocks = (layers.blocks as ParamTree) ?? {};
    const asFactors = (node: ParamTree): ParamTree =>
      node.a
        ? { u: tf.mul(node.b as tf.Tensor, 1), s: tf.ones([3]), v: tf.mul(node.a as tf.Tensor, 1) }
        : Object.fromEntries(Object.entries(node).map(([key, child]) => [key, asFactors(child as ParamTree)]));
    return { blocks: asFactors(blocks) };
  });

const weighted = { dit: DIT, weights: [0.5, -0.7], rank: 2 };
const SHALLOW = ditConfig({ ...DIT, depth: 3 });
const search = () => ({
  dit: SHALLOW,
  count: 1,
  steps: 2,
  generator: createGenerator(1),
  loss: ({ blocks }: DitParams) => tf.sum(tf.square((blocks as unknown as Blocks)[1].mlp.in.weight)) as tf.Scalar,
});
const asTree = ({ gates }: { gates: readonly number[] }): ParamTree => ({ gates: tf.tensor1d([...gates]) });

type Blocks = Readonly<Record<string, { mlp: { in: { weight: tf.Tensor } } }>>;
type Case = [name: string, title: string, sync: () => ParamTree, async: () => Promise<ParamTree>];

const factoring = METHODS.filter(({ method }) => ['low-rank', 'svd-cut', 'pissa', 'svdiff', 'fine'].includes(method));

const CASES: Case[] = [
  ...factoring.map((input): Case => {
    const { sync, async } = attach(input);
    return ['attachAdapters', titleOf(input), sync, async];
  }),
  [
    'lowRankFromDense',
    'rank 3',
    () => lowRankFromDense(used(denseBase() as DitParams & ParamTree), DIT, { rank: 3 }),
    () => lowRankFromDenseAsync(used(denseBase() as DitParams & ParamTree), DIT, { rank: 3 }),
  ],
  [
    'fineDescendant',
    '3 blocks',
    () => fineDescendant(used(denseBase()), { dit: DIT, depth: 3, sweeps: 1 }) as DitParams & ParamTree,
    async () =>
      (await fineDescendantAsync(used(denseBase()), { dit: DIT, depth: 3, sweeps: 1 })) as DitParams & ParamTree,
  ],
  [
    'combineLoras',
    'svd',
    () => combineLoras(loras(), weighted).layers,
    async () => (await combineLorasAsync(loras(), weighted)).layers,
  ],
  [
    'tailorsOfLora',
    'cut',
    () => tailorsOfLora(usedLora(), { dit: DIT, rank: 2 }).tailors,
    async () => (await tailorsOfLoraAsync(usedLora(), { dit: DIT, rank: 2 })).tailors,
  ],
  ['combineTailors', 'svd', () => combineTailors(tailors(), weighted), () => combineTailorsAsync(tailors(), weighted)],
  [
    'chooseLearngeneBlocks',
    'of 3',
    () => asTree(chooseLearngeneBlocks(denseBase(1, SHALLOW), search())),
    async () => asTree(await chooseLearngeneBlocksAsync(denseBase(1, SHALLOW), search())),
  ],
];

describe('async forms', () => {
  test.each(CASES)(
    '%s %s has an async form that gives the same, on a device too',
    async (name, _title, sync, async) => {
      await useTestBackend();
      const expected = await numbers(tf.getBackend() === 'webgpu' ? await async() : sync());
      expect(await numbers(await async())).toEqual(expected);
      await useDeviceBackend();
      expect(sync).toThrow(`call ${name}Async and await it`);
      expectClose(await numbers(await async()), expected, { atol: 2e-5, rtol: 1e-4 });
    },
  );

  test.each(METHODS.filter((input) => !factoring.includes(input)).map((input) => [titleOf(input), input] as const))(
    '%s attaches without reading back, and only the exact OFT needs to read in a step',
    async (_, input) => {
      await useDeviceBackend();
      const base = used(baseFor(input));
      const model = attachAdapters(base, {
        dit: DIT,
        adapter: input,
        groups: sharedGroup(2),
        generator: createGenerator(3),
      });
      const apply = () => applyAdapted(model, inputsFor([0, 1], model.config));
      if (input.method === 'oft' && input.cayley === 'exact') {
        expect(apply).toThrow("cayley: 'exact' inverts on the processor");
      } else {
        expect((await apply().data()).every(Number.isFinite)).toBe(true);
      }
    },
  );

  test('sums that need no SVD read nothing back', async () => {
    await useDeviceBackend();
    for (const combination of ['cat', 'linear'] as const) {
      const { rank: _, ...options } = { ...weighted, combination };
      const merged = combineTailors(tailors(), options);
      expect(await numbers(merged)).toEqual(await numbers(await combineTailorsAsync(tailors(), options)));
    }
  });
});
