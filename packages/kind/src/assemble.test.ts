import { applyDit, blockLinearNames } from '@learngene/dit';
import { disposeParams, flattenParams, type ParamTree, prefetch } from '@learngene/nn';
import { createGenerator, normal } from '@learngene/random';
import {
  componentEnergies,
  composeDense,
  type FactoredParams,
  matrixFromTensorAsync,
  svd,
} from '@learngene/tensor-svd';
import { expectNoLeak, relativeError, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it as test } from 'vitest';
import { bits, randomModel, tinyConfig } from '../test/random-model';
import { applyKind } from './apply';
import { assembleFactored, assembleFactoredAsync } from './assemble';
import { assembleDense } from './assemble-dense';
import { kindConfig } from './config';
import { countAssembled } from './count-assembled';
import { type KindModel, subTree } from './params';

beforeAll(useTestBackend);
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

function inputs(labels: number[], seed = 5) {
  const g = createGenerator(seed);
  const N = labels.length;
  return {
    x: tf.tensor4d(normal(g, N * 16), [N, 4, 4, 1]),
    t: tf.tensor1d(labels.map((_, i) => 100 * i + 7)),
    labels: Int32Array.from(labels),
  };
}

const output = ({ params, config }: KindModel, batch: ReturnType<typeof inputs>) =>
  applyKind(params, batch, { config });

const weightOf = (f: FactoredParams) => composeDense({ u: f.u, s: f.s, v: f.v }).weight;

/** The squared Frobenius norms of what all layers' learngenes and tailors compose. */
function energy({ config, params }: KindModel): number {
  const pieces = [params.learngenes, ...Object.values(params.tailors)];
  const layers = pieces.flatMap((piece) =>
    blockLinearNames(config.dit).map((name) => subTree<FactoredParams>(piece, name)),
  );
  return layers.reduce((sum, f) => sum + (f ? tf.sum(tf.square(weightOf(f))).dataSync()[0] : 0), 0);
}

describe('assembleFactored', () => {
  const ordered = () =>
    randomModel(
      tinyConfig({
        groups: [
          { name: 'x', classes: [0, 1] },
          { name: 'y', classes: [2, 3, 4] },
        ],
      }),
    );

  test('is the identity for all groups without a budget', () => {
    const model = ordered();
    const all = assembleFactored(model);
    expect(all.config).toEqual(model.config);
    expect(bits(all)).toEqual(bits(model));
    disposeParams(model.params);
    expect(flattenParams(all.params).size).toBeGreaterThan(0);
    for (const leaf of flattenParams(all.params).values()) expect(leaf.isDisposed).toBe(false);
  });

  test('renumbers classes in the order of the groups and keeps their outputs', () => {
    const model = randomModel(tinyConfig());
    const part = assembleFactored(model, { groups: ['a.b/../c', 'Katze & Hund'] });
    expect(part.config.groups).toEqual([
      { name: 'a.b/../c', classes: [0, 1] },
      { name: 'Katze & Hund', classes: [2, 3], classNames: ['cat', 'dog'] },
    ]);
    expect(part.config.dit.classes).toBe(4);
    expect(part.config.pruned).toBe(false);
    const whole = output(model, inputs([4, 2, 3, 0, 5]));
    expect(relativeError(output(part, inputs([0, 1, 2, 3, 4])), whole)).toBeLessThan(1e-5);
  });

  test('keeps learngenes alone for no groups', () => {
    const model = randomModel(tinyConfig());
    const part = assembleFactored(model, { groups: [] });
    expect(part.config.groups).toEqual([]);
    expect(part.config.dit.classes).toBe(1);
    expect(part.params.tailors).toEqual({});
    expect(relativeError(output(part, inputs([1, 1])), output(model, inputs([5, 5])))).toBeLessThan(1e-5);
  });

  test("keeps a soft gate's rows of the groups chosen", () => {
    const model = randomModel(tinyConfig({ gate: 'soft' }));
    const names = model.config.groups.map((group) => group.name);
    const all = assembleFactored(model);
    expect(relativeError(output(all, inputs([0, 2, 3])), output(model, inputs([3, 1, 4])))).toBeLessThan(1e-5);
    const part = assembleFactored(model, { groups: [names[2], names[0]] });
    const { weight } = model.params.gate!;
    expect(part.params.gate!.weight.arraySync()).toEqual([2, 0].map((row) => (weight.arraySync() as number[][])[row]));
    expect(() => assembleFactored(model, { groups: [] })).toThrow('groups: a soft gate needs at least one');
  });

  test('names unknown, repeated and missing groups', () => {
    const model = randomModel(tinyConfig());
    expect(() => assembleFactored(model, { groups: ['8'] })).toThrow("'7', 'a.b/../c', got '8'");
    expect(() => assembleFactored(model, { groups: ['7', '7'] })).toThrow(
      "groups: expected each group once, got '7' twice",
    );
    const partly = { ...model, params: { ...model.params, tailors: {} } };
    expect(() => assembleFactored(partly)).toThrow("tailors of group 'Katze & Hund' are not loaded");
  });

  test('leaks nothing, also where it throws', async () => {
    const model = randomModel(tinyConfig({ gate: 'soft' }));
    await expectNoLeak(() => {
      disposeParams(assembleFactored(model, { groups: ['7'] }).params);
      disposeParams(assembleFactored(model, { budget: { parameters: 4000 } }).params);
      expect(() => assembleFactored(model, { budget: { bytes: 1 } })).toThrow('budget.bytes');
    });
  });
});

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

describe('assembleDense', () => {
  test('equals the gated model for every class of the group', () => {
    const model = randomModel(tinyConfig());
    for (const { name, classes } of model.config.groups) {
      const { config, params } = assembleDense(model, { group: name });
      expect(config).toEqual({ ...model.config.dit, classes: classes.length });
      const own = inputs([...classes.keys()]);
      const dense = applyDit(params, own, { config });
      expect(relativeError(dense, output(model, inputs([...classes])))).toBeLessThan(1e-5);
    }
  });

  test('equals a factored model of one group, also pruned, without a name', async () => {
    const model = randomModel(tinyConfig());
    const full = countAssembled(assembleFactored(model, { groups: ['7'] }));
    for (const budget of [undefined, { parameters: full.parameters - 220 }]) {
      const part = await assembleFactoredAsync(model, { groups: ['7'], budget });
      const { config, params } = assembleDense(part);
      expect(relativeError(applyDit(params, inputs([0]), { config }), output(part, inputs([0])))).toBeLessThan(1e-5);
    }
  });

  test('is the class-agnostic model for no groups, with either label', () => {
    const model = randomModel(tinyConfig());
    const { config, params } = assembleDense(assembleFactored(model, { groups: [] }));
    expect(config.classes).toBe(1);
    const dense = applyDit(params, inputs([0, 1]), { config });
    expect(relativeError(dense, output(model, inputs([5, 5])))).toBeLessThan(1e-5);
  });

  test('composes a soft gate of one group and refuses one of several', () => {
    const model = randomModel(tinyConfig({ gate: 'soft' }));
    expect(() => assembleDense(model, { group: '7' })).toThrow(
      'model: expected one group, for a soft gate mixes them all',
    );
    const one = assembleFactored(model, { groups: ['7'] });
    const { config, params } = assembleDense(one);
    expect(relativeError(applyDit(params, inputs([0]), { config }), output(one, inputs([0])))).toBeLessThan(1e-5);
  });

  test('asks for a group of several and names an unknown one', () => {
    const model = randomModel(tinyConfig());
    expect(() => assembleDense(model)).toThrow("group: expected one of 'Katze & Hund', '7', 'a.b/../c'");
    expect(() => assembleDense(model, { group: 'x' })).toThrow("got 'x'");
    const empty = { ...model, params: { ...model.params, learngenes: { blocks: {} } } };
    expect(() => assembleDense(empty, { group: '7' })).toThrow(
      'params: expected learngenes at blocks.0.attn.q, got none',
    );
  });

  test('leaks nothing', async () => {
    const model = randomModel(tinyConfig());
    await expectNoLeak(() => disposeParams(assembleDense(model, { group: '7' }).params));
  });
});

describe('countAssembled', () => {
  test('counts a model made to its config as countKind does', async () => {
    const { countKind } = await import('./count');
    for (const gate of ['binary', 'soft'] as const) {
      const config = kindConfig({ ...tinyConfig(), gate });
      const { params, macs, bytes } = countKind(config);
      const counts = { parameters: params.total, macs: macs.total, bytes: bytes.total };
      expect(countAssembled(randomModel(config))).toEqual(counts);
    }
  });
});
