import {
  applyEpilogue,
  applyLinear,
  disposeParams,
  flattenParams,
  type LinearParams,
  mapParams,
  type ParamTree,
  valueAndGrad,
} from '@learngene/nn';
import { createGenerator, normal } from '@learngene/random';
import { expectClose, expectNoLeak, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { applyDit } from './apply';
import { type ApplyLinear, withEpilogue } from './apply-linear';
import { ditConfig } from './config';
import { initDit } from './init';
import { blockLinearNames } from './linears';
import { gatherRows } from './rows';

beforeAll(useTestBackend);

const config = ditConfig({ inputSize: 8, inChannels: 2, hiddenSize: 16, depth: 2, heads: 4, classes: 5 });

function makeInputs(n: number, seed = 7) {
  const shape: [number, number, number, number] = [n, 8, 8, 2];
  const x = tf.tensor4d(normal(createGenerator(seed), n * 8 * 8 * 2), shape);
  const t = tf.tensor1d(
    Int32Array.from({ length: n }, (_, i) => (i * 377 + 3) % 1000),
    'int32',
  );
  return { x, t, labels: Int32Array.from({ length: n }, (_, i) => (i * 2 + 5) % 6) };
}

/** A fresh model moved off its zeros. */
function makePerturbed() {
  const g = createGenerator(11);
  return mapParams(
    (tensor) => tf.add(tensor, tf.tensor(normal(g, tensor.size, { std: 0.1 }), tensor.shape)),
    initDit(g, config),
  );
}

describe('applyDit', () => {
  test('of a fresh model is exactly 0', () => {
    const out = applyDit(initDit(createGenerator(0), config), makeInputs(2), { config });
    expect(out.shape).toEqual([2, 8, 8, 4]);
    expect(out.dataSync().every((value) => value === 0)).toBe(true);
  });

  test('has blocks that are the identity while their adaLN is zero', () => {
    const fresh = initDit(createGenerator(0), config);
    const model = { ...fresh, final: makePerturbed().final };
    const out = applyDit(model, makeInputs(2), { config });
    const without = applyDit(model, makeInputs(2), { config: { ...config, depth: 0 } });
    expect(Math.max(...out.dataSync().map(Math.abs))).toBeGreaterThan(0.1);
    expectClose(out, without, { atol: 0, rtol: 0 });
  });

  test('gives each sample an output that does not depend on its batch mates', () => {
    const params = makePerturbed();
    const { x, t, labels } = makeInputs(4);
    const together = applyDit(params, { x, t, labels }, { config });
    const order = [2, 0, 3, 1];
    const permuted = applyDit(
      params,
      { x: tf.gather(x, order), t: tf.gather(t, order), labels: labels.map((_, n) => labels[order[n]]) },
      { config },
    );
    expectClose(permuted, tf.gather(together, order), { atol: 1e-6 });
    const alone = { x: tf.slice(x, 1, 1), t: tf.slice(t, 1, 1), labels: labels.slice(1, 2) };
    expectClose(applyDit(params, alone, { config }), tf.slice(together, 1, 1), { atol: 1e-6 });
  });

  test('sends gradient to every parameter', () => {
    const params = makePerturbed();
    const inputs = makeInputs(3);
    const { grads } = valueAndGrad((p) => tf.sum(tf.square(applyDit(p, inputs, { config }))) as tf.Scalar, params);
    for (const [name, grad] of flattenParams(grads)) {
      // A bias of the keys moves all scores of a query alike: its gradient is 0 but for rounding.
      expect(Math.max(...grad.dataSync().map(Math.abs)), name).toBeGreaterThan(
        name.endsWith('attn.k.bias') ? -1 : 1e-6,
      );
    }
    const label = grads.label.table.arraySync().map((row) => row.some((value) => value !== 0));
    expect(label).toEqual([0, 1, 2, 3, 4, 5].map((id) => inputs.labels.includes(id)));
  });

  test('hands the six main layers of every block to `linear`, with their sub-tree, in order', () => {
    const params = makePerturbed();
    const inputs = makeInputs(2);
    const leaves = flattenParams(params);
    const names: string[] = [];
    const out = applyDit(params, inputs, {
      config,
      linear: withEpilogue((own, x, name) => {
        names.push(name);
        expect(own.weight).toBe(leaves.get(`${name}.weight`));
        return applyLinear(own as LinearParams, x) as tf.Tensor3D;
      }),
    });
    expect(names).toEqual(blockLinearNames(config));
    expectClose(out, applyDit(params, inputs, { config }), { atol: 1e-6 });
  });

  test('hands each layer its epilogue, and refuses a function that would leave it out', () => {
    const params = makePerturbed();
    const inputs = makeInputs(2);
    const seen: Record<string, string> = {};
    const linear: ApplyLinear = (own, x, name, epilogue) => {
      seen[name] = typeof epilogue === 'object' ? Object.keys(epilogue).join(' ') : String(epilogue);
      return applyEpilogue(applyLinear(own as LinearParams, x) as tf.Tensor3D, epilogue);
    };
    const out = applyDit(params, inputs, { config, linear });
    expectClose(out, applyDit(params, inputs, { config }), { atol: 1e-6 });
    for (const [name, epilogue] of Object.entries(seen)) {
      expect(epilogue, name).toBe(
        /attn\.[qkv]$/.test(name) ? 'undefined' : name.endsWith('mlp.in') ? 'gelu' : 'x gate',
      );
    }
    const alone = (own: ParamTree, x: tf.Tensor3D) => applyLinear(own as LinearParams, x) as tf.Tensor3D;
    expect(() => applyDit(params, inputs, { config, linear: alone })).toThrow(
      'linear: expected a function of params, x, name and epilogue, got one of 2 parameters (see withEpilogue)',
    );
  });

  test('runs without main weights and table when `linear` and `embedLabels` are given', () => {
    const params = makePerturbed();
    const inputs = makeInputs(2);
    const leaves = flattenParams(params);
    const { patch, time, final } = params;
    const blocks = Object.fromEntries(Object.entries(params.blocks).map(([key, { adaln }]) => [key, { adaln }]));
    const out = applyDit({ patch, time, final, blocks }, inputs, {
      config,
      linear: withEpilogue((_, x, name) => {
        const weight = leaves.get(`${name}.weight`) as tf.Tensor2D;
        return applyLinear({ weight, bias: leaves.get(`${name}.bias`) as tf.Tensor1D }, x) as tf.Tensor3D;
      }),
      embedLabels: (labels) => gatherRows(params.label.table, labels),
    });
    expectClose(out, applyDit(params, inputs, { config }), { atol: 1e-6 });
    const base = { patch, time, final, blocks };
    expect(() => applyDit(base, inputs, { config })).toThrow('params: expected label.table');
    const embedLabels = () => tf.zeros([2, 16]) as tf.Tensor2D;
    expect(() => applyDit(base, inputs, { config, embedLabels })).toThrow('params: expected blocks.0.attn.q.weight');
  });

  test('takes fractional timesteps', () => {
    const params = makePerturbed();
    const { x, labels } = makeInputs(2);
    const at = (t: number[]) => applyDit(params, { x, t: tf.tensor1d(t), labels }, { config }).dataSync();
    expect(at([10, 20])).not.toEqual(at([10.5, 20.5]));
  });

  test('names the input that does not fit', () => {
    const params = initDit(createGenerator(0), config);
    const inputs = makeInputs(2);
    const run = (change: Partial<typeof inputs>) => () => applyDit(params, { ...inputs, ...change }, { config });
    expect(run({ x: tf.zeros([2, 8, 8, 3]) })).toThrow('x: expected [N, 8, 8, 2], got [2, 8, 8, 3]');
    expect(run({ t: tf.zeros([3]) })).toThrow('t: expected [2], got [3]');
    expect(run({ labels: Int32Array.of(0) })).toThrow('labels: expected 2 labels, got 1');
    expect(run({ labels: Int32Array.of(0, 6) })).toThrow('labels: expected ids in [0, 5], got 6');
  });

  test('leaks nothing, forward and backward', async () => {
    const params = makePerturbed();
    const inputs = makeInputs(2);
    await expectNoLeak(() => applyDit(params, inputs, { config }).dispose());
    await expectNoLeak(() => {
      const { value, grads } = valueAndGrad((p) => tf.sum(applyDit(p, inputs, { config })) as tf.Scalar, params);
      value.dispose();
      disposeParams(grads);
    });
  });
});
