import { classPlaces, disposeParams, flattenParams, type ParamTree, paramLeaves } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { composeDense, concatComponents, type FactoredParams } from '@learngene/tensor-svd';
import { expectClose, expectNoLeak, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { memory } from '../test/memory-bundle';
import { sealed } from '../test/sealed';
import { DIT, GROUPS, tinyConfig } from '../test/tiny';
import {
  MIXER,
  MIXER_GROUPS,
  mixer,
  mixerConfig,
  mixerInputs,
  mixerLoss,
  mixerShared,
  noisyMixer,
} from '../test/tiny-network';
import { applyGated } from './apply-gated';
import { assembleFactoredAsync } from './assemble';
import { BundleError } from './bundle/bundle-error';
import { decomposeKind } from './bundle/decompose';
import { openBundle } from './bundle/open';
import { kindConfig } from './config';
import type { NetworkKindConfig } from './config-types';
import { countKindBytes, countKindParams, countTransferParams } from './count';
import { countAssembled } from './count-assembled';
import { ditNetwork } from './dit-network';
import { freshTailors } from './fresh-tailors';
import { gatedTrainStep } from './gated-train-step';
import { initKind } from './init';
import { type NetworkParams, subTree } from './params';
import { disposeKindTraining, disposeReplaced, initKindTraining, type KindTrainState } from './train-state';
import { inFixedOrder, stateFromTrees, stateToTrees } from './train-state-trees';
import { transferKind } from './transfer';

beforeAll(useTestBackend);

const rowOf = new Map([...classPlaces(MIXER_GROUPS)].map(([id, { row }]) => [id, row]));
const values = (tree: ParamTree) => [...flattenParams(tree)].map(([name, leaf]) => [name, [...leaf.dataSync()]]);
const same = (a: ParamTree, b: ParamTree) => paramLeaves(a).every((leaf, i) => leaf === paramLeaves(b)[i]);

function step(
  state: KindTrainState<NetworkParams>,
  config: NetworkKindConfig,
  labels: readonly number[],
  more: { trainable?: 'all' | 'tailors'; dropped?: number[] } = {},
) {
  const x = mixerInputs(labels.length);
  const { trainable = 'all', ...rest } = more;
  const result = gatedTrainStep(
    { state, config, labels: Int32Array.from(labels), ...rest, loss: (batch) => mixerLoss(x, batch, rowOf) },
    { learningRate: 0.02, trainable, clipNorm: 1 },
  );
  x.dispose();
  const [loss] = result.loss.dataSync();
  tf.dispose([result.loss, result.gradientNorm]);
  return { state: result.state, loss };
}

describe('a network that is no Diffusion Transformer', () => {
  test('is computed with W_c of each sample, composed', () => {
    const config = mixerConfig();
    const params = noisyMixer(config);
    const labels = [2, 0, 5, 1, 3, 4]; // 5: the null label
    const x = mixerInputs(labels.length);
    const out = applyGated(params, Int32Array.from(labels), { config }, ({ shared, linear, reorder, restore }) =>
      restore(mixer(shared, reorder(x), linear)),
    );
    for (const [n, label] of labels.entries()) {
      const group = MIXER_GROUPS.find(({ classes }) => classes.includes(label));
      const expected = tf.tidy(() =>
        mixer(params.shared, tf.slice(x, [n, 0, 0], [1, -1, -1]), (rows, name) => {
          const common = subTree<FactoredParams>(params.learngenes, name)!;
          const own = group && subTree<FactoredParams>(params.tailors[group.name], name);
          const { weight, bias } = composeDense(own ? concatComponents(common, own) : common);
          const flat = tf.reshape(rows, [-1, weight.shape[1]]) as tf.Tensor2D;
          return tf.reshape(tf.add(tf.matMul(flat, weight, false, true), bias!), [1, 3, -1]) as tf.Tensor3D;
        }),
      );
      expectClose(tf.slice(out, [n, 0], [1, -1]), expected);
    }
  });

  test('trains: the loss falls, and a step changes the groups in the batch alone', () => {
    const config = mixerConfig();
    const start = initKindTraining(noisyMixer(config), { trainable: 'all' });
    const first = step(start, config, [2, 1, 4]);
    expect(same(start.params.tailors.a, first.state.params.tailors.a)).toBe(true);
    for (const name of ['b', 'c']) {
      const [before, after] = [start, first.state].map(({ params }) => paramLeaves(params.tailors[name]));
      expect(before.every((leaf, i) => leaf !== after[i])).toBe(true);
    }
    expect(Object.keys(first.state.optimizer.tailors)).toEqual(['b', 'c']);
    let { state, loss } = first;
    for (let i = 0; i < 30; i++) ({ state, loss } = step(state, config, [2, 1, 4]));
    expect(loss).toBeLessThan(0.7 * first.loss);
    const frozen = step(initKindTraining(state.params, { trainable: 'tailors' }), config, [2], {
      trainable: 'tailors',
    });
    expect(same(frozen.state.params.learngenes, state.params.learngenes)).toBe(true);
    expect(same(frozen.state.params.shared, state.params.shared)).toBe(true);
    const none = step(frozen.state, config, [2], { trainable: 'tailors', dropped: [1] });
    expect([none.loss, same(none.state.params.tailors.c, frozen.state.params.tailors.c)]).toEqual([0, true]);
  });

  test('leaks nothing', () =>
    expectNoLeak(() => {
      const config = mixerConfig();
      const first = initKindTraining(noisyMixer(config), { trainable: 'all' });
      const second = step(first, config, [3, 5, 1]).state;
      disposeReplaced(first, second);
      disposeKindTraining(second);
    }));

  test('goes to files and back, bit for bit, and its bundle describes it', async () => {
    const model = { config: mixerConfig(), params: noisyMixer(mixerConfig()) };
    const files = await decomposeKind(model, { heads: '2' });
    expect(JSON.parse(new TextDecoder().decode(files.get('kind.json')))).toMatchObject({
      version: 4,
      config: model.config,
    });
    const { metadata, ...opened } = await openBundle(memory(files).fetchPiece, { network: 'mixer' });
    expect([opened.config, metadata]).toEqual([model.config, { heads: '2' }]);
    for (const part of ['shared', 'learngenes', 'tailors'] as const)
      expect(values(opened.params[part] as ParamTree)).toEqual(values(model.params[part] as ParamTree));
    expect(await decomposeKind(opened, { heads: '2' })).toEqual(files);
    const one = await openBundle(memory(files).fetchPiece, { network: 'mixer', groups: ['b'] });
    expect(Object.keys(one.params.tailors)).toEqual(['b']);
    await expect(openBundle(memory(files).fetchPiece)).rejects.toThrow(
      "kind.json: expected a model of a Diffusion Transformer, got one of the network 'mixer'",
    );
    await expect(openBundle(memory(files).fetchPiece, { network: 'vit' })).rejects.toThrow("of the network 'vit', got");
    const dit = await decomposeKind({ config: tinyConfig(), params: initKind(createGenerator(1), tinyConfig()) });
    await expect(openBundle(memory(dit).fetchPiece, { network: 'mixer' })).rejects.toThrow(
      "of the network 'mixer', got one of a Diffusion Transformer",
    );
  });

  test.each<[string, (json: { config: Record<string, Record<string, unknown>> }) => unknown, string]>([
    ['no network', ({ config }) => delete config.network, 'config.network: expected an object, got undefined'],
    ['a DiT', ({ config }) => Object.assign(config, { dit: {} }), 'config: expected only network, learngeneRank'],
    [
      'a hidden field',
      ({ config }) => hide(config.network, 'shared'),
      "config.network.shared: '__proto__' is not allowed",
    ],
    [
      'too large a layer',
      ({ config }) => Object.assign((config.network.layers as object[])[0], { in: 2 ** 40 }),
      'network.layers[0].in',
    ],
    [
      'another layer',
      ({ config }) => Object.assign((config.network.layers as object[])[0], { in: 7 }),
      'tensor mix.in.v: expected [7, ', // of whichever file is read first
    ],
    [
      'a table too many',
      ({ config }) => Object.assign(config.network.rows as object, { x: [2] }),
      'tensor x: expected [', // of whichever file is read first: two tensors or one
    ],
  ])('a bundle whose kind.json has %s is refused', async (_, edit, message) => {
    const files = await decomposeKind({ config: mixerConfig(), params: noisyMixer(mixerConfig()) });
    const json = JSON.parse(new TextDecoder().decode(files.get('kind.json')));
    edit(json);
    files.set('kind.json', await sealed(json));
    const opened = openBundle(memory(files).fetchPiece, { network: 'mixer' });
    await expect(opened).rejects.toThrow(BundleError);
    await expect(opened).rejects.toThrow(message);
  });
  /** Gives a table a field that only JSON can write. */
  const hide = (network: Record<string, unknown>, table: string) =>
    Object.defineProperty(network[table], '__proto__', { value: [1], enumerable: true });

  test('its training goes to trees and back', () => {
    const config = mixerConfig();
    const { state } = step(inFixedOrder(initKindTraining(noisyMixer(config), { trainable: 'all' })), config, [2, 1]);
    const again = stateFromTrees({ ...stateToTrees(state, config), step: 1 }, config);
    const [a, b] = [state, again].map((each) => step(each, config, [2, 3, 1]).state);
    for (const tree of ['params', 'ema'] as const)
      for (const group of ['a', 'b', 'c']) {
        const sorted = (params: NetworkParams) => values(params.tailors[group]).sort();
        expect(sorted(b[tree])).toEqual(sorted(a[tree]));
      }
    expect(b.optimizer.tailors.b.step).toBe(2);
  });

  test('is counted from its description as from its tensors, and assembled to a budget', async () => {
    const model = { config: mixerConfig(), params: noisyMixer(mixerConfig()) };
    const { total, tailorGroup, labelRow } = countKindParams(model.config);
    const counts = countAssembled(model);
    expect(counts.parameters).toBe(total);
    expect(countKindBytes(model.config).total).toBe(4 * total);
    expect([tailorGroup, labelRow]).toEqual([2 * (15 + 15), 7]);
    expect(counts.macs).toBe(MIXER.denseMacs + 3 * 5 * (14 + 14));
    expect(countTransferParams(model.config, { groups: 1, classes: 2 })).toBe(tailorGroup + 14);
    const two = await assembleFactoredAsync(model, { groups: ['c', 'b'] });
    expect(two.config.network.classes).toBe(3);
    expect(two.config.groups.map(({ classes }) => classes)).toEqual([[0, 1], [2]]);
    expect(values(two.params.tailors.c)).toEqual(values(model.params.tailors.c));
    const budget = { parameters: Math.round(0.8 * total), macs: Math.round(0.9 * counts.macs) };
    const cut = await assembleFactoredAsync(model, { budget });
    expect(cut.config.pruned).toBe(true);
    expect(countAssembled(cut).parameters).toBeLessThanOrEqual(budget.parameters);
    expect(countAssembled(cut).macs).toBeLessThanOrEqual(budget.macs);
    const heads = (params: NetworkParams) => values(params.tailors.a.head as ParamTree);
    expect(heads(cut.params)).toEqual(heads(model.params));
  });

  test('takes in novel classes: fresh tailors add nothing, old groups may stay', () => {
    const model = { config: mixerConfig(), params: noisyMixer(mixerConfig()) };
    const groups = [{ name: 'new', classes: [1, 0] }];
    const generator = createGenerator(4);
    const near = transferKind(model, { groups, generator, domain: 'near', keepGroups: true });
    expect(near.config.network.classes).toBe(7);
    expect(near.config.groups.map(({ classes }) => classes)).toEqual([[1, 0], [5, 2], [3], [6, 4]]);
    const x = mixerInputs(1);
    const features = (label: number) =>
      applyGated(near.params, Int32Array.of(label), { config: near.config }, ({ shared, linear }) =>
        mixer(shared, x, linear),
      );
    expect([...features(0).dataSync()]).toEqual([...features(7).dataSync()]);
    expect([...features(5).dataSync()]).not.toEqual([...features(7).dataSync()]);
    const fresh = mixerShared(8);
    const distant = transferKind(model, { groups, generator, domain: 'distant', shared: fresh });
    expect(values(distant.params.shared)).toEqual(values(fresh));
    expect(same(distant.params.shared, fresh)).toBe(false);
  });

  test.each<[string, (model: { config: NetworkKindConfig; params: NetworkParams }) => unknown, string]>([
    [
      'distant without dense parts',
      (model) => transfer(model, { domain: 'distant' }),
      'shared: expected the dense parts',
    ],
    ['near with dense parts', (model) => transfer(model, { shared: {} }), "shared: expected none with domain 'near'"],
    ['an input of a DiT', (model) => transfer(model, { domain: 'distant', input: {} }), 'input: expected none for a'],
    [
      'labels from the null row',
      (model) => transfer(model, { labels: 'null' }),
      "labels: expected 'random' for a network",
    ],
    [
      'shared of another shape',
      ({ config }) => init(config, { embed: {} }),
      'shared: tensor embed.weight: expected [4, 6]',
    ],
    ['no shared', ({ config }) => init(config), 'shared: expected the dense parts of the network, got none'],
    ['a soft gate', () => mixerConfig({ gate: 'soft' }), 'gate: expected binary for a network without `embedding`'],
    ['a rank above a width', () => mixerConfig({ tailorRank: 7 }), 'tailorRank: expected a rank of at most 6'],
    [
      'dit and network',
      () => kindConfig({ ...mixerConfig(), dit: DIT } as never),
      'expected only network, learngeneRank',
    ],
    ['a label row', ({ config }) => fresh(config), 'labelRow: expected none for a network without class embeddings'],
    [
      'a null row to train',
      ({ config }) => countTransferParams(config, { groups: 1, classes: 1, trainNull: true }),
      'trainNull',
    ],
  ])('refuses %s by name', (_, act, message) => {
    const config = mixerConfig();
    tf.tidy(() => {
      expect(() => act({ config, params: noisyMixer(config) })).toThrow(message);
    });
  });
  const transfer = (model: { config: NetworkKindConfig; params: NetworkParams }, more: object) =>
    transferKind(model, {
      groups: [{ name: 'new', classes: [0] }],
      generator: createGenerator(1),
      domain: 'near',
      ...more,
    });
  const init = (config: NetworkKindConfig, shared?: ParamTree) =>
    initKind(createGenerator(1), config, { shared } as { shared: ParamTree });
  const fresh = (config: NetworkKindConfig) =>
    freshTailors(createGenerator(1), config, MIXER_GROUPS[0], { labelRow: tf.zeros([1, 6]) });
});

describe('the Diffusion Transformer as a description', () => {
  test('counts as the DiT does, and starts and trains a soft gate from its class embeddings', () => {
    const config = tinyConfig({ gate: 'soft' });
    const network = ditNetwork(DIT);
    expect(ditNetwork(DIT)).toBe(network);
    const { dit: _, ...settings } = config;
    const described = kindConfig({ network, ...settings });
    expect(countKindParams(described)).toEqual(countKindParams(config));
    const model = { config, params: initKind(createGenerator(1), config) };
    expect(countAssembled({ ...model, config: described })).toEqual(countAssembled(model));
    const other = initKind(createGenerator(1), described, { shared: model.params.shared });
    expect(Object.keys(other.tailors)).toEqual(GROUPS.map(({ name }) => name));
    expect([...flattenParams(other.tailors.pets).keys()]).toEqual([...flattenParams(model.params.tailors.pets).keys()]);
    disposeParams(other as ParamTree);
  });
});
