import {
  flattenParams,
  type ParamTree,
  paramsToTensorData,
  sharedGroup,
  unflattenParams,
  valueAndGrad,
} from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { decodeSafetensors } from '@learngene/tensor-io';
import { relativeError, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { DIT, fixture, fixtureBase, NAMES, peftFiles, short, tensor } from '../test/peft';
import { adaptedLinear } from './apply';
import { attachAdapters } from './attach';
import { subTree } from './core/trees';
import { decodeAdapter } from './files/decode';
import { encodeAdapter, transposedData } from './files/encode';
import { fileKey } from './files/keys';
import { withDecodedAdapters } from './files/load';
import { moduleNames } from './files/modules';
import { FILES } from './files/names';
import type { AdapterConfigInput } from './methods';
import { type AdaptedModel, disposeAdapted } from './model';

beforeAll(useTestBackend);

function attached(adapter: AdapterConfigInput): AdaptedModel {
  return attachAdapters(fixtureBase(), { dit: DIT, adapter, groups: sharedGroup(2), generator: createGenerator(4) });
}

/** The model with the trained tensors that PEFT saved. */
function loaded(folder: string): AdaptedModel {
  const decoded = decodeAdapter(peftFiles(folder), DIT);
  return withDecodedAdapters(attached(decoded.adapter), { all: decoded });
}

const SEGMENTS = [{ start: 0, end: 3, group: 'all' }];

/** Outputs and gradients of the model's layers against those of a fixture; the largest relative error of each. */
function compare(model: AdaptedModel, folder: string): { output: number; gradient: number } {
  const wanted = fixture(`${folder}/reference`);
  const { method } = model.config.adapter;
  const data = fixture('base');
  const inputs = Object.fromEntries(NAMES.map((name, i) => [`x${i}`, tensor(data.get(`x.${short(name)}`))]));
  let output = 0;
  const { grads } = valueAndGrad(
    (p: ParamTree) => {
      const adapters = { all: { ...model.adapters.all, layers: p.layers as ParamTree } };
      const linear = adaptedLinear({ ...model, adapters }, SEGMENTS);
      const terms = NAMES.map((name, i) => {
        const y = linear({}, (p.inputs as ParamTree)[`x${i}`] as tf.Tensor3D, name, undefined);
        output = Math.max(output, relativeError(y, tensor(wanted.get(`y.${short(name)}`))));
        return tf.sum(tf.mul(y, tensor(data.get(`w.${short(name)}`))));
      });
      return tf.addN(terms) as tf.Scalar;
    },
    { layers: model.adapters.all.layers, inputs },
  );
  const errors = NAMES.map((name, i) =>
    relativeError((grads.inputs as ParamTree)[`x${i}`] as tf.Tensor, tensor(wanted.get(`grad.x.${short(name)}`))),
  );
  for (const [name, grad] of flattenParams(grads.layers as ParamTree)) {
    const { key, transposed } = fileKey(method, name, moduleNames(DIT));
    const stored = wanted.get(`grad.${method === 'svdiff' ? name : key}`)!;
    errors.push(relativeError(grad, tensor(transposed ? transposedData(stored) : stored)));
  }
  expect(errors.length).toBe(NAMES.length + flattenParams(grads.layers as ParamTree).size);
  return { output, gradient: Math.max(...errors) };
}

describe.each(['lora', 'rslora', 'dora', 'pissa', 'oft', 'oft-exact', 'oft-terms', 'loha'])('%s of PEFT', (folder) => {
  test('has the same outputs and gradients', () => {
    const errors = tf.tidy(() => compare(loaded(folder), folder) as never) as { output: number; gradient: number };
    // PEFT takes PiSSA's SVD in float32.
    const tolerance = folder === 'pissa' ? 5e-6 : 1e-6;
    expect(errors.output).toBeLessThan(tolerance);
    expect(errors.gradient).toBeLessThan(tolerance);
  });

  test('has the same file', async () => {
    const model = loaded(folder);
    const files = await encodeAdapter(model);
    const theirs = decodeSafetensors(peftFiles(folder).get(FILES.tensors)!).tensors;
    const ours = decodeSafetensors(files.get(FILES.tensors)!).tensors;
    expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort());
    for (const [key, { shape, data }] of ours) {
      expect(shape).toEqual(theirs.get(key)!.shape);
      expect([...data]).toEqual([...theirs.get(key)!.data]);
    }
    const [peft, own] = [peftFiles(folder), files].map((all) =>
      JSON.parse(new TextDecoder().decode(all.get(FILES.config))),
    );
    for (const [field, value] of Object.entries(own)) {
      if (!['auto_mapping', 'peft_version'].includes(field)) expect([field, value]).toEqual([field, peft[field]]);
    }
    disposeAdapted(model);
  });
});

test('SVDiff has the outputs and gradients of its formula', () => {
  tf.tidy(() => {
    const model = attached({ method: 'svdiff', scale: 2 });
    const deltas = new Map([...fixture('svdiff/reference')].filter(([key]) => key.startsWith('blocks.')));
    const leaves = new Map([...deltas].map(([name, data]) => [name, tensor(data)]));
    const adapters = { all: { ...model.adapters.all, layers: unflattenParams(leaves) } };
    const errors = compare({ ...model, adapters }, 'svdiff');
    expect(errors.output).toBeLessThan(1e-6);
    expect(errors.gradient).toBeLessThan(1e-6);
  });
});

test("PiSSA starts at PEFT's factors up to the signs of components", async () => {
  const model = attached({ method: 'pissa', rank: 3, alpha: 6 });
  const [wanted, dense] = [fixture('pissa/reference'), fixture('base')];
  const ours = await paramsToTensorData(model.adapters.all.layers);
  for (const name of NAMES) {
    const a = ours.get(`${name}.a`)!;
    const start = wanted.get(`start.base_model.model.${name}.lora_A.weight`)!; // [r, in]
    for (let r = 0; r < 3; r++) {
      const mine = Array.from({ length: a.shape[0] }, (_, i) => Number(a.data[3 * i + r]));
      const theirs = Array.from(start.data.slice(r * a.shape[0], (r + 1) * a.shape[0]) as Float32Array);
      const sign = Math.sign(mine.reduce((sum, value, i) => sum + value * theirs[i], 0));
      expect(
        relativeError(
          mine.map((value) => sign * value),
          theirs,
        ),
      ).toBeLessThan(1e-5);
    }
    // What is frozen and the start of the adapter are the base's weight: scaling 6 / 3, delta [out, in].
    const b = ours.get(`${name}.b`)!.data as Float32Array; // [out, 3]
    const delta = Float32Array.from({ length: (b.length / 3) * a.shape[0] }, (_, at) => {
      const [out, into] = [Math.floor(at / a.shape[0]), at % a.shape[0]];
      return 2 * [0, 1, 2].reduce((sum, r) => sum + Number(a.data[3 * into + r]) * b[3 * out + r], 0);
    });
    const frozen = (subTree(model.frozen, `${name}.weight`) as unknown as tf.Tensor).dataSync();
    const weight = dense.get(`${name}.weight`)!.data as Float32Array;
    expect(
      relativeError(
        [...frozen].map((value, i) => value + delta[i]),
        [...weight],
      ),
    ).toBeLessThan(1e-6);
  }
  disposeAdapted(model);
});
