import { countParams, disposeParams, type ParamTree } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { expectClose, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { from } from '../test/changes';
import { bits, randomModel, tinyConfig } from '../test/random-model';
import { outputOf } from '../test/several-groups';
import { inputsFor } from '../test/tiny';
import { applyKind } from './apply';
import { addTailors } from './bundle/add-tailors';
import { applyBundleChange } from './bundle/bundle-change';
import { baseHash, decomposeKind, encodeTailors } from './bundle/decompose';
import { openBundle } from './bundle/open';
import { hardenGate, hardenGateAsync } from './harden-gate';
import type { KindModel } from './params';
import { initKindTraining, type KindTrainState } from './train-state';
import { stateFromTrees, stateToTrees } from './train-state-trees';
import { kindTrainStep } from './train-step';
import { type TransferOptions, transferKind } from './transfer';

beforeAll(useTestBackend);

const NOVEL = [
  { name: 'lynx', classes: [0] },
  { name: 'fox', classes: [1] },
];
const base = () => randomModel(tinyConfig());
const byGate = (model: KindModel, options: Partial<TransferOptions> = {}) =>
  transferKind(model, { groups: NOVEL, generator: createGenerator(4), domain: 'near', adapt: 'gate', ...options });

/** Some steps towards an image, of the gate alone. */
function trained({ config, params }: KindModel, steps: number, state?: KindTrainState) {
  let now = state ?? initKindTraining(params, { trainable: 'gate' });
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) {
    const { x, t, labels } = inputsFor([0, 1], { dit: config.dit });
    const target = tf.concat([tf.onesLike(tf.slice(x, 0, 1)), tf.neg(tf.onesLike(tf.slice(x, 1, 1)))], 0);
    const result = kindTrainStep(
      { state: now, config, labels, loss: (denoiser) => tf.mean(tf.squaredDifference(denoiser(x, t), target)) },
      { learningRate: 0.05, trainable: 'gate' },
    );
    now = result.state;
    losses.push(result.loss.dataSync()[0]);
  }
  return { state: now, losses };
}

describe("transferKind with adapt 'gate'", () => {
  test('starts every class as the mean of the groups, by their tailors', () => {
    const model = base();
    const next = byGate(model, { labels: 'null' });
    expect(next.config).toMatchObject({ gate: 'soft', tailorRank: 2, pruned: false, dit: { classes: 2 } });
    expect(next.config.groups.map(({ name, classes, classNames }) => [name, classes, classNames])).toEqual(
      model.config.groups.map(({ name }) => [name, [0, 1], ['lynx', 'fox']]),
    );
    const part = (group: string) => next.params.tailors[group].blocks[1].mlp.in!;
    for (const { name } of model.config.groups) {
      expect([...part(name).u.dataSync()]).toEqual([...model.params.tailors[name].blocks[1].mlp.in!.u.dataSync()]);
    }
    const third = Object.fromEntries(
      model.config.groups.map(({ name }) => [name, { ...next.params.tailors[name] }] as const),
    );
    const hard = hardenGate({ ...next, params: { ...next.params, tailors: third } });
    const { s } = hard.params.tailors.lynx.blocks[0].attn.k!;
    const all = model.config.groups.map(({ name }) => model.params.tailors[name].blocks[0].attn.k!.s);
    expectClose(s, tf.div(tf.concat(all, 0), 3), { rtol: 1e-6, atol: 0 });
  });

  test('keeps a soft gate that is there, and takes another null gate', () => {
    const soft = randomModel(tinyConfig({ gate: 'soft' }));
    const next = byGate(soft, { nullGate: 'own-class' });
    expect([...next.params.gate!.weight.dataSync()]).toEqual([...soft.params.gate!.weight.dataSync()]);
    expect(next.config.nullGate).toBe('own-class');
    const plain = transferKind(base(), {
      groups: NOVEL,
      generator: createGenerator(1),
      domain: 'near',
      nullGate: 'own-class',
    });
    expect(plain.config.nullGate).toBe('own-class');
  });

  test.each<[Partial<TransferOptions>, string]>([
    [{ domain: 'distant' }, "domain: expected near with adapt 'gate', got distant"],
    [{ keepGroups: true }, "keepGroups: expected false with adapt 'gate'"],
    [{ tailorRank: 3 }, "tailorRank: expected none with adapt 'gate', got 3"],
    [{ groups: [{ name: 'a', classes: [0], tailorRank: 4 }] }, "tailorRank: expected none with adapt 'gate', got 4"],
    [{ groups: [{ name: 'a', classes: [1] }] }, "groups: expected classes 0 to 0, got no '0'"],
    [{ adapt: 'soft' as never }, 'adapt: expected tailors or gate, got "soft"'],
    [{ nullGate: 'none' as never }, 'nullGate: expected learngenes or own-class, got none'],
  ])('refuses %j', (options, message) => {
    expect(() => byGate(base(), options)).toThrow(message);
  });
});

describe("trainable 'gate'", () => {
  test('trains the gate and the rows of classes, and no factor', () => {
    const next = byGate(base());
    const before = bits(next);
    const { state, losses } = trained(next, 12);
    expect(losses.at(-1)!).toBeLessThan(0.9 * losses[0]);
    const changed = [...bits({ config: next.config, params: state.params })]
      .filter(([name, values]) => String(values) !== String(before.get(name)))
      .map(([name]) => name);
    expect(changed.sort()).toEqual(['gate: bias', 'gate: weight', 'tailors Katze & Hund: label.rows'].sort());
    expect(countParams(state.optimizer.tailors['Katze & Hund'].m as ParamTree)).toBe(2 * 8);
  });

  test('goes on from a checkpoint bit for bit', () => {
    const straight = trained(byGate(base()), 6);
    const model = byGate(base());
    const half = trained(model, 3).state;
    const { trees, steps } = stateToTrees(half, model.config);
    const again = trained(model, 3, stateFromTrees({ trees, steps, step: half.step }, model.config));
    const [a, b] = [straight.state, again.state].map(({ params }) => bits({ config: model.config, params }));
    expect(new Map([...b].sort())).toEqual(new Map([...a].sort()));
  });

  test('is refused for a binary gate', () => {
    expect(() => initKindTraining(base().params, { trainable: 'gate' })).toThrow(
      "expected a model with a soft gate for 'gate'",
    );
  });
});

describe('hardenGate', () => {
  test.each(['learngenes', 'own-class'] as const)(
    'gives every class and the null label what they had, null gate %s',
    async (nullGate) => {
      const soft = randomModel(tinyConfig({ gate: 'soft', nullGate }));
      const hard = await hardenGateAsync(soft);
      expect(hard.config).toMatchObject({ gate: 'binary', tailorRank: 6, nullGate });
      const labels = Int32Array.of(0, 4, 2, 5, 1, 3);
      const inputs = inputsFor([...labels], { dit: soft.config.dit });
      for (const dropped of [
        [0, 0, 0, 0, 0, 0],
        [1, 0, 1, 1, 0, 0],
      ]) {
        const [was, is] = [soft, hard].map(({ config, params }) =>
          applyKind(params, { ...inputs, labels }, { config, dropped }),
        );
        expectClose(is, was, { rtol: 2e-5, atol: 2e-6 });
      }
      expect(hard.params.gate).toBeUndefined();
      disposeParams(hard.params);
    },
  );

  test('of more components than a layer is wide is exact and no wider', async () => {
    const soft = randomModel(tinyConfig({ gate: 'soft', tailorRank: 4 }));
    const hard = await hardenGateAsync(soft); // re-factored in float64: read back
    expect(hard.config.tailorRank).toBe(8);
    for (const id of [0, 3, 4]) expectClose(outputOf(hard, id), outputOf(soft, id), { rtol: 1e-4, atol: 2e-5 });
  });

  test('a class that the gate alone learned joins the bundle of the base', async () => {
    const model = base();
    const next = byGate(model);
    const soft = { config: next.config, params: trained(next, 4).state.params };
    const hard = hardenGate(soft);
    const hash = await baseHash(model);
    expect(await baseHash(hard)).toBe(hash);
    const files = await decomposeKind(model);
    const fox = await encodeTailors(hard, 'fox', hash);
    const grown = applyBundleChange(files, await addTailors(from(files), new Map([['fox', fox]])));
    const read = await openBundle(from(grown));
    expectClose(outputOf(read, 5), outputOf(soft, 1), { rtol: 2e-5, atol: 2e-6 });
  });

  test('refuses a binary gate', () => {
    expect(() => hardenGate(base())).toThrow('model: expected a soft gate, got a binary gate');
  });
});
