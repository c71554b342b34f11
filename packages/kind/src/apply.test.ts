import { applyDit, type DitParams, nullLabel, withEpilogue } from '@learngene/dit';
import {
  applyLinear,
  classPlaces,
  flattenParams,
  type LinearParams,
  type ParamTree,
  valueAndGrad,
} from '@learngene/nn';
import { composeDense, concatComponents, type FactoredParams } from '@learngene/tensor-svd';
import { expectClose, expectNoLeak, relativeError, useTestBackend, weighted } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { DIT, expectSameGradient, inputsFor, noisyKind, tinyConfig } from '../test/tiny';
import { applyKind } from './apply';
import type { KindConfig } from './config-types';
import { ditNetwork } from './dit-network';
import { type KindParams, layerTree, type MainLayers, subTree } from './params';

beforeAll(useTestBackend);

const LABELS = [3, 1, 0, 5, 4, 1, 3]; // unsorted; 5 is the null label, class 2 ('x') is absent

type Inputs = ReturnType<typeof inputsFor>;
type Dropped = readonly boolean[];

/** Group index whose tailors a sample uses, -1 for none: the definition, written anew. */
function gatesOf(labels: Int32Array, config: KindConfig, dropped: Dropped): number[] {
  return Array.from(labels, (label, n) => {
    if (label === config.dit.classes || (dropped[n] && config.nullGate === 'learngenes')) return -1;
    return config.groups.findIndex(({ classes }) => classes.includes(label));
  });
}

/** What a peer does: every sample through all tailors of all groups, times a mask of zeros and ones. */
function applyMasked(params: KindParams, { x, t, labels }: Inputs, config: KindConfig, dropped: Dropped = []) {
  const gates = gatesOf(labels, config, dropped);
  const mask = config.groups.map((_, k) =>
    tf.tensor3d(
      gates.map((gate) => (gate === k ? 1 : 0)),
      [labels.length, 1, 1],
    ),
  );
  const linear = withEpilogue((_, input, name) => {
    const { u, s, v, bias } = subTree<FactoredParams>(params.learngenes, name)!;
    const through = (f: Pick<FactoredParams, 'u' | 's' | 'v'>) =>
      applyLinear({ weight: f.u }, tf.mul(applyLinear({ weight: tf.transpose(f.v) }, input), f.s));
    let y = tf.add(through({ u, s, v }), bias!);
    for (const [k, { name: group }] of config.groups.entries()) {
      y = tf.add(y, tf.mul(mask[k], through(subTree(params.tailors[group], name)!)));
    }
    return y as tf.Tensor3D;
  });
  const rows = config.groups.map(({ name }) => params.tailors[name].label.rows);
  const table = tf.concat([...rows, params.shared.label.null], 0);
  const order = config.groups.flatMap(({ classes }) => [...classes]);
  const oneHot = Array.from(labels, (label, n) =>
    [...order, config.dit.classes].map((id) => ((dropped[n] ? config.dit.classes : label) === id ? 1 : 0)),
  );
  const embedLabels = () => tf.matMul(tf.tensor2d(oneHot), table) as tf.Tensor2D;
  return applyDit(params.shared, { x, t, labels }, { config: config.dit, linear, embedLabels });
}

/** The dense DiT of one class, W_c composed. */
function denseOf(params: KindParams, config: KindConfig, id: number): DitParams {
  const place = classPlaces(config.groups).get(id);
  const own = place && params.tailors[config.groups[place.group].name];
  const { blocks: layers } = layerTree(ditNetwork(config.dit).layers, ({ name }) => {
    const common = subTree<FactoredParams>(params.learngenes, name)!;
    return composeDense(own ? concatComponents(common, subTree<FactoredParams>(own, name)!) : common);
  }) as { blocks: MainLayers<LinearParams> };
  const blocks = Object.entries(layers).map(([i, layer]) => [i, { ...layer, adaln: params.shared.blocks[i].adaln }]);
  const row = own ? tf.slice(own.label.rows, [place.row, 0], [1, DIT.hiddenSize]) : params.shared.label.null;
  const table = tf.tile(row, [config.dit.classes + 1, 1]) as tf.Tensor2D;
  return { ...params.shared, label: { table }, blocks: Object.fromEntries(blocks) } as DitParams;
}

const gradsOf = (params: KindParams, f: (p: KindParams) => tf.Tensor) =>
  flattenParams(valueAndGrad((p: KindParams) => weighted(f(p)), params).grads);

describe('the gated forward pass', () => {
  const dropped = [false, true, false, false, false, false, true];

  test.each([
    ['nothing dropped', 'learngenes', []],
    ["dropped labels, nullGate 'learngenes'", 'learngenes', dropped],
    ["dropped labels, nullGate 'own-class'", 'own-class', dropped],
  ] as const)('equals the masked one, and so do all gradients: %s', (_, nullGate, flags) => {
    const config = tinyConfig({ nullGate });
    const params = noisyKind(config);
    const inputs = inputsFor(LABELS);
    const options = { config, ...(flags.length > 0 && { dropped: flags.map(Number) }) };
    const ours = applyKind(params, inputs, options);
    expect(relativeError(ours, applyMasked(params, inputs, config, flags))).toBeLessThan(1e-5);

    const mine = gradsOf(params, (p) => applyKind(p, inputs, options));
    const masked = gradsOf(params, (p) => applyMasked(p, inputs, config, flags));
    for (const [name, expected] of masked) {
      expectSameGradient(name, mine.get(name)!, expected);
      const inactive = name.startsWith('tailors.x.');
      expect(
        expected.dataSync().every((value) => value === 0),
        name,
      ).toBe(inactive);
    }
    const x = tf.grad((image) => weighted(applyKind(params, { ...inputs, x: image as tf.Tensor4D }, options)))(
      inputs.x,
    );
    const reference = tf.grad((image) =>
      weighted(applyMasked(params, { ...inputs, x: image as tf.Tensor4D }, config, flags)),
    )(inputs.x);
    expect(relativeError(x, reference)).toBeLessThan(2e-5);
  });

  test('has no path at all to tailors outside the batch', () => {
    const config = tinyConfig();
    const { tailors, ...rest } = noisyKind(config);
    const { x: absent, ...present } = tailors;
    const inputs = inputsFor(LABELS);
    expect(applyKind({ ...rest, tailors: present }, inputs, { config }).shape).toEqual([7, 8, 8, 1]);
    const run = (tree: ParamTree) =>
      weighted(applyKind({ ...rest, tailors: { ...present, x: tree as typeof absent } }, inputs, { config }));
    expect(() => valueAndGrad(run, absent)).toThrow();
  });

  test('equals the dense DiT with the composed weights W_c, class by class and without a class', () => {
    const config = tinyConfig();
    const params = noisyKind(config);
    for (let id = 0; id <= nullLabel(DIT); id++) {
      const inputs = inputsFor([id, id]);
      const dense = applyDit(denseOf(params, config, id), inputs, { config: DIT });
      expect(relativeError(applyKind(params, inputs, { config }), dense)).toBeLessThan(1e-5);
    }
  });

  test('permutes with the batch, so that an unsorted batch is the sorted one', () => {
    const config = tinyConfig();
    const params = noisyKind(config);
    const { x, t, labels } = inputsFor(LABELS);
    const y = applyKind(params, { x, t, labels }, { config });
    const order = [...labels.keys()].sort((a, b) => labels[a] - labels[b]);
    const at = tf.tensor1d(order, 'int32');
    const sorted = { x: tf.gather(x, at), t: tf.gather(t, at), labels: Int32Array.from(order, (n) => labels[n]) };
    expectClose(applyKind(params, sorted, { config }), tf.gather(y, at), { rtol: 1e-4, atol: 1e-5 });
  });

  test('computes a pruned layer without tailors', () => {
    const config = tinyConfig({ pruned: true });
    const params = noisyKind(config);
    const prune = (keep: number) => {
      const tailors = { ...params.tailors.pets, blocks: structuredCloneOfPets(params, keep) };
      return applyKind({ ...params, tailors: { ...params.tailors, pets: tailors } }, inputsFor([3, 1]), { config });
    };
    expectClose(prune(Number.NaN), prune(0), { rtol: 1e-4 });
  });

  test('throws on labels that do not fit and tailors that are not loaded', () => {
    const config = tinyConfig();
    const params = noisyKind(config);
    const inputs = inputsFor([0, 1]);
    const run = (labels: number[], p = params) =>
      applyKind(p, { ...inputs, labels: Int32Array.from(labels) }, { config });
    expect(() => run([0])).toThrow('labels: expected 2 labels and timesteps, got 1 and 2');
    expect(() => run([0, 6])).toThrow('labels[1]: expected a class in [0, 5], got 6');
    expect(() => run([0, 1], { ...params, tailors: {} })).toThrow("the tailors of group 'pets' are not loaded");
    const none = { blocks: {} } as KindParams['learngenes'];
    expect(() => run([0, 1], { ...params, learngenes: none })).toThrow('expected learngenes at blocks.0.attn.q');
  });

  test.each(['binary', 'soft'] as const)('leaks nothing (%s gate)', (gate) =>
    expectNoLeak(() => {
      const config = tinyConfig({ gate });
      const [params, inputs] = [noisyKind(config), inputsFor(LABELS)];
      applyKind(params, inputs, { config }).dispose();
      for (const leaf of [...flattenParams(params).values(), inputs.x, inputs.t]) leaf.dispose();
    }),
  );
});

/** The tailors of 'pets' with blocks.1.mlp.in absent (NaN) or with its scales zero. */
function structuredCloneOfPets(params: KindParams, keep: number): KindParams['tailors'][string]['blocks'] {
  const { blocks } = params.tailors.pets;
  const layer = blocks[1].mlp.in!;
  const replaced = Number.isNaN(keep) ? undefined : { ...layer, s: tf.fill([layer.s.size], keep) as tf.Tensor1D };
  return { ...blocks, 1: { ...blocks[1], mlp: { ...blocks[1].mlp, in: replaced } } };
}

describe('the soft gate', () => {
  test('is the binary gate when alpha is one-hot', () => {
    const config = tinyConfig({ gate: 'soft' });
    const params = noisyKind(config);
    const { labels } = inputsFor(LABELS);
    // One unit of the label rows tells each group apart; the gate reads it with a large weight.
    const D = DIT.hiddenSize;
    const marked = config.groups.map(({ name, classes }, k) => {
      const rows = tf.concat([tf.slice(params.tailors[name].label.rows, [0, 4]), tf.zeros([classes.length, 0])], 1);
      const mark = tf.tile(tf.tensor2d([[0, 1, 2, 3].map((i) => (i === k ? 1 : 0))]), [classes.length, 1]);
      return [name, { ...params.tailors[name], label: { rows: tf.concat([mark, rows], 1) as tf.Tensor2D } }] as const;
    });
    const weight = tf.concat([tf.mul(tf.eye(4), 200), tf.zeros([4, D - 4])], 1) as tf.Tensor2D;
    const soft = { ...params, tailors: Object.fromEntries(marked), gate: { weight, bias: tf.zeros<tf.Rank.R1>([4]) } };
    const { x, t } = inputsFor(LABELS);
    for (const nullGate of ['learngenes', 'own-class'] as const) {
      const dropped = [false, true, false, false, false, false, true];
      const options = { config: { ...config, nullGate }, dropped };
      const binary = { config: tinyConfig({ nullGate }), dropped };
      const y = applyKind(soft, { x, t, labels }, options);
      expect(relativeError(y, applyKind(soft, { x, t, labels }, binary))).toBeLessThan(1e-5);
    }
  });

  test('differs from sample to sample and needs its parameters', () => {
    const config = tinyConfig({ gate: 'soft' });
    const { gate, ...params } = noisyKind(config);
    const inputs = inputsFor([0, 1]);
    expect(() => applyKind(params, inputs, { config })).toThrow(
      "params: expected gate.weight for gate 'soft', got none",
    );
    const mix = applyKind({ ...params, gate: gate! }, inputs, { config });
    expect(relativeError(mix, applyKind({ ...params, gate: gate! }, inputs, { config: tinyConfig() }))).toBeGreaterThan(
      1e-3,
    );
  });
});
