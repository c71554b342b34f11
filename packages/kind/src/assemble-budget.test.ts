import { blockLinearNames } from '@learngene/dit';
import { flattenParams, type ParamTree, prefetch } from '@learngene/nn';
import {
  componentEnergies,
  composeDense,
  type FactoredParams,
  matrixFromTensorAsync,
  svd,
} from '@learngene/tensor-svd';
import { relativeError, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it as test } from 'vitest';
import { inputs, output } from '../test/assembled';
import { bits, randomModel, tinyConfig } from '../test/random-model';
import { assembleFactored } from './assemble';
import { countAssembled } from './count-assembled';
import { type KindModel, subTree } from './params';

beforeAll(useTestBackend);
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

const weightOf = (f: FactoredParams) => composeDense({ u: f.u, s: f.s, v: f.v }).weight;

/** The squared Frobenius norms of what all layers' learngenes and tailors compose. */
function energy({ config, params }: KindModel): number {
  const pieces = [params.learngenes, ...Object.values(params.tailors)];
  const layers = pieces.flatMap((piece) =>
    blockLinearNames(config.dit).map((name) => subTree<FactoredParams>(piece, name)),
  );
  return layers.reduce((sum, f) => sum + (f ? tf.sum(tf.square(weightOf(f))).dataSync()[0] : 0), 0);
}

describe('a budget', () => {
  const limits = (model: KindModel) => {
    const full = countAssembled(model);
    const least = countAssembled(assembleFactored(model, { budget: minimumOf(model) }));
    return { full, least };
  };
  /** What the error for a budget of nothing says. */
  const minimumOf = (model: KindModel) => {
    const message = (unit: string) => {
      try {
        assembleFactored(model, { budget: { [unit]: 0 } });
      } catch (error) {
        return Number(
          /expected at least (\d+) \(the dense parts and one learngene/.exec((error as Error).message)?.[1],
        );
      }
      return Number.NaN;
    };
    return { parameters: message('parameters'), macs: message('macs'), bytes: message('bytes') };
  };

  for (const gate of ['binary', 'soft'] as const) {
    for (const unit of ['parameters', 'macs', 'bytes'] as const) {
      test(`of ${unit} is kept to and never loses energy when it grows (${gate} gate)`, () => {
        const model = randomModel(tinyConfig({ gate, learngeneRank: 2, tailorRank: 2 }), 3);
        const { full, least } = limits(model);
        expect(full[unit]).toBeGreaterThan(least[unit]);
        const largest = unit === 'parameters' ? 25 : unit === 'bytes' ? 100 : 4 * 24;
        let before = 0;
        for (let step = 0; step <= 12; step++) {
          const budget = Math.round(least[unit] + (step / 12) * (full[unit] - least[unit]));
          const small = assembleFactored(model, { budget: { [unit]: budget } });
          const counts = countAssembled(small);
          expect(counts[unit]).toBeLessThanOrEqual(budget);
          // One more component of the largest cost would not have fitted.
          expect(counts[unit]).toBeGreaterThan(Math.min(budget, full[unit] - 1) - largest);
          expect(small.config.pruned).toBe(true);
          const now = energy(small);
          expect(now).toBeGreaterThanOrEqual(before * (1 - 1e-6));
          before = now;
        }
        expect(before / energy(model)).toBeCloseTo(1, 6);
      });
    }
  }

  test('is met exactly at the minimum, and below it the error says the minimum', () => {
    const model = randomModel(tinyConfig());
    const minimum = minimumOf(model);
    for (const unit of ['parameters', 'macs', 'bytes'] as const) {
      const counts = countAssembled(assembleFactored(model, { budget: { [unit]: minimum[unit] } }));
      expect(counts).toEqual(minimum);
      const below = minimum[unit] - 1;
      expect(() => assembleFactored(model, { budget: { [unit]: below } })).toThrow(
        `budget.${unit}: expected at least ${minimum[unit]} (the dense parts and one learngene component a layer), got ${below}`,
      );
      expect(() => assembleFactored(model, { budget: { [unit]: Number.NaN } })).toThrow('got NaN');
    }
  });

  test('weighs energy by the classes that a component serves and by what it costs them', async () => {
    const equal = (tree: ParamTree) =>
      unflat(
        new Map(
          [...flattenParams(tree)].map(([name, leaf]) => {
            const component = /\.[uv]$/.test(name) ? tf.linalg.gramSchmidt(tf.transpose(leaf as tf.Tensor2D)) : leaf;
            if (name.endsWith('.s')) return [name, tf.onesLike(leaf)];
            return [name, component === leaf ? leaf : tf.transpose(component as tf.Tensor2D)];
          }),
        ),
      );
    const whole = randomModel(
      tinyConfig({ learngeneRank: 3, tailorRank: 2, groups: [0, 1, 2].map((i) => ({ name: `${i}`, classes: [i] })) }),
    );
    const tailors = Object.fromEntries(
      Object.entries(whole.params.tailors).map(([name, { blocks, label }]) => [
        name,
        { blocks: equal(blocks as unknown as ParamTree), label },
      ]),
    );
    const learngenes = equal(whole.params.learngenes as unknown as ParamTree);
    const model = { ...whole, params: { ...whole.params, learngenes, tailors } } as unknown as KindModel;
    await prefetch(model.params as unknown as ParamTree);
    const names = blockLinearNames(model.config.dit);
    const rankOf = (piece: unknown, name: string) => subTree<FactoredParams>(piece as ParamTree, name)?.s.size ?? 0;
    const kept = (unit: 'parameters' | 'macs', part: number) => {
      const { full, least } = limits(model);
      const budget = { [unit]: Math.round(least[unit] + part * (full[unit] - least[unit])) };
      const { params } = assembleFactored(model, { budget });
      const share = (layers: string[], pieces: unknown[], rank: number) =>
        pieces.reduce<number>((sum, piece) => sum + layers.reduce((n, name) => n + rankOf(piece, name), 0), 0) /
        (rank * layers.length * pieces.length);
      const [attention, mlp] = [
        names.filter((name) => name.includes('attn')),
        names.filter((name) => name.includes('mlp')),
      ];
      const own = Object.values(params.tailors);
      return {
        learngenes: share(names, [params.learngenes], 3),
        tailors: share(names, own, 2),
        attention: share(attention, own, 2),
        mlp: share(mlp, own, 2),
      };
    };
    // What is shipped: a tailor of one class in three is worth less than a learngene. A cheap layer's go last.
    const shipped = kept('parameters', 0.7);
    expect(shipped.learngenes).toBe(1);
    expect(shipped.tailors).toBeLessThan(1);
    expect(shipped.attention).toBeGreaterThan(shipped.mlp);
    // What a sample costs: its own tailors cost it what learngenes do.
    const run = kept('macs', 0.7);
    expect(run.learngenes).toBeLessThan(1);
    expect(run.attention).toBe(1);
    expect(run.attention).toBeGreaterThan(run.mlp);
  });

  test('keeps the components of most energy, learngenes and tailors competing', async () => {
    const model = randomModel(tinyConfig());
    const scaled = (tree: ParamTree, factor: number) =>
      new Map(
        [...flattenParams(tree)].map(([name, leaf]) => [name, name.endsWith('.s') ? tf.mul(leaf, factor) : leaf]),
      );
    const louder = { ...model.params.tailors, 7: unflat(scaled(model.params.tailors['7'], 100)) };
    const loud = { ...model, params: { ...model.params, tailors: louder } } as unknown as KindModel;
    await prefetch(loud.params as unknown as ParamTree);
    const one = randomCost(loud);
    // Room for all of the loud group's components and nothing else.
    const kept = assembleFactored(loud, { budget: { parameters: one.minimum + one.group } });
    await prefetch(kept.params as unknown as ParamTree);
    const own = ({ params }: KindModel) => weightOf(subTree<FactoredParams>(params.tailors['7'], 'blocks.1.mlp.in')!);
    expect(relativeError(own(kept), own(loud))).toBeLessThan(1e-5);
    expect(kept.params.tailors['Katze & Hund'].blocks['0'].attn.q).toBeUndefined();
    for (const name of blockLinearNames(kept.config.dit)) {
      const whole = weightOf(subTree<FactoredParams>(loud.params.learngenes, name)!);
      const best = componentEnergies(subTree<FactoredParams>(kept.params.learngenes, name)!);
      expect(best).toHaveLength(1);
      expect(best[0] / svd(await matrixFromTensorAsync(whole as tf.Tensor2D)).s[0] ** 2).toBeCloseTo(1, 5);
    }
    const batch = inputs([1, 0]);
    expect(output(kept, batch).shape).toEqual([2, 4, 4, 1]);
  });

  test('loses no more of a layer than its smallest singular values, however far from orthogonal the factors are', async () => {
    const model = randomModel(tinyConfig({ groups: [], learngeneRank: 3 }));
    const skewed = (tree: ParamTree) =>
      unflat(
        new Map(
          [...flattenParams(tree)].map(([name, leaf]) =>
            // All columns almost the first one: as trained they are alike in energy, and one of them is nearly the whole.
            [name, name.endsWith('.u') ? tf.add(tf.mul(leaf, 0.05), tf.slice(leaf, [0, 0], [-1, 1])) : leaf],
          ),
        ),
      );
    const params = { ...model.params, learngenes: skewed(model.params.learngenes as unknown as ParamTree) };
    const alike = { ...model, params } as unknown as KindModel;
    await prefetch(alike.params as unknown as ParamTree);
    const small = assembleFactored(alike, { budget: { parameters: minimumOf(alike).parameters } });
    for (const name of blockLinearNames(model.config.dit)) {
      const [whole, left] = [alike, small].map(
        (each) => weightOf(subTree<FactoredParams>(each.params.learngenes, name)!) as tf.Tensor2D,
      );
      const { s } = svd(await matrixFromTensorAsync(whole));
      const rest = Math.sqrt(s.slice(1).reduce((sum, value) => sum + value ** 2, 0));
      expect(tf.norm(tf.sub(whole, left)).dataSync()[0] / rest, name).toBeCloseTo(1, 3);
    }
  });

  test('changes nothing where the whole fits', () => {
    const model = randomModel(tinyConfig());
    const { parameters } = countAssembled(model);
    expect(bits(assembleFactored(model, { budget: { parameters } }))).toEqual(bits(assembleFactored(model)));
  });

  test('holds for several units at once, and for a model that was pruned before', async () => {
    const model = randomModel(tinyConfig());
    const { full } = limits(model);
    const budget = { parameters: full.parameters - 300, macs: full.macs - 400 };
    const counts = countAssembled(assembleFactored(model, { budget }));
    expect(counts.parameters).toBeLessThanOrEqual(budget.parameters);
    expect(counts.macs).toBeLessThanOrEqual(budget.macs);
    const once = assembleFactored(model, { budget: { parameters: full.parameters - 300 } });
    await prefetch(once.params as unknown as ParamTree);
    const both = countAssembled(assembleFactored(once, { budget }));
    expect(both.parameters).toBeLessThanOrEqual(budget.parameters);
    expect(both.macs).toBeLessThanOrEqual(budget.macs);
    const less = { parameters: full.parameters - 500 };
    const twice = assembleFactored(once, { budget: less });
    expect(countAssembled(twice)).toEqual(countAssembled(assembleFactored(model, { budget: less })));
    expect(assembleFactored(twice).config.pruned).toBe(true);
  });

  function unflat(leaves: Map<string, tf.Tensor>): ParamTree {
    const tree: Record<string, ParamTree> = {};
    for (const [name, leaf] of leaves) {
      const path = name.split('.');
      let node = tree as Record<string, ParamTree | tf.Tensor>;
      for (const part of path.slice(0, -1)) node = (node[part] ??= {}) as Record<string, ParamTree | tf.Tensor>;
      node[path.at(-1)!] = leaf;
    }
    return tree;
  }
  function randomCost(model: KindModel) {
    const { tailorRank, dit } = model.config;
    const group = tailorRank * dit.depth * (4 * 17 + 2 * 25);
    return { group, minimum: minimumOf(model).parameters };
  }
});
