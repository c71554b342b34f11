import { fileURLToPath } from 'node:url';
import type { DitConfig } from '@learngene/dit';
import { flattenParams, groupedLowRank, type LowRankFactors, unflattenParams, valueAndGrad } from '@learngene/nn';
import { type NamedTensors, toFloat32 } from '@learngene/tensor-io';
import { readSafetensors } from '@learngene/tensor-io/node';
import type { FactoredParams } from '@learngene/tensor-svd';
import { relativeError, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { applyKind } from './apply';
import { kindConfig } from './config';
import type { KindParams } from './params';

/** What tools/fixtures/make_kind.py says beside its tensors. */
interface Facts {
  readonly labels: number[];
  readonly dropped: number[];
  readonly dit: DitConfig;
  readonly groups: Record<string, number[]>;
  readonly learngeneRank: number;
  readonly tailorRank: number;
}

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}.safetensors`, import.meta.url));
let tensors: NamedTensors;
let layer: NamedTensors;
let facts: Facts;

beforeAll(async () => {
  await useTestBackend();
  const file = await readSafetensors(fixture('dit'));
  tensors = file.tensors;
  facts = JSON.parse(file.metadata.facts) as Facts;
  layer = (await readSafetensors(fixture('linear'))).tensors;
});

const at = (name: string, from = tensors) => {
  const data = from.get(name)!;
  return tf.tensor(toFloat32(data).slice(), [...data.shape], 'float32');
};

test('the gated layer is the masked one of torch; a tailor that nobody uses has no gradient', () => {
  const names = ['x', 'u', 's', 'v', 'bias', 'u0', 's0', 'v0', 'u1', 's1', 'v1', 'u2', 's2', 'v2'];
  const leaves = Object.fromEntries(names.map((name) => [name, at(name, layer)]));
  const run = (p: typeof leaves) => {
    const tailor = (k: number) => ({ u: p[`u${k}`], s: p[`s${k}`], v: p[`v${k}`] }) as LowRankFactors;
    return groupedLowRank(p.x as tf.Tensor3D, {
      common: p as unknown as FactoredParams,
      segments: [
        { start: 0, end: 2, factors: tailor(0) },
        { start: 3, end: 5, factors: tailor(2) },
      ],
    });
  };
  expect(relativeError(run(leaves), at('y', layer))).toBeLessThan(1e-6);
  const { grads } = valueAndGrad((p) => tf.sum(tf.mul(run(p), at('w', layer))) as tf.Scalar, leaves);
  for (const name of names) {
    const wanted = at(`grad.${name}`, layer);
    expect(wanted.dataSync().every((value) => value === 0)).toBe(name.endsWith('1'));
    expect(relativeError(grads[name], wanted), name).toBeLessThan(1e-6);
  }
});

// The fixture's batch is unsorted, has the null label once, drops one label of each kind, and leaves group c out.
describe.each([
  ['binary', 'learngenes'],
  ['binary', 'own-class'],
  ['soft', 'learngenes'],
  ['soft', 'own-class'],
] as const)('a gated DiT in torch, gate %s, nullGate %s', (gate, nullGate) => {
  test('has the same output and the same gradient of every leaf', () => {
    const { dit, learngeneRank, tailorRank, labels, dropped } = facts;
    const groups = Object.entries(facts.groups).map(([name, classes]) => ({ name, classes }));
    const config = kindConfig({ dit, learngeneRank, tailorRank, groups, gate, nullGate });
    const leaves = [...tensors.keys()].filter((name) => name.startsWith('params.'));
    const used = leaves.filter((name) => gate === 'soft' || !name.startsWith('params.gate'));
    const params = unflattenParams(new Map(used.map((name) => [name.slice('params.'.length), at(name)])));
    const inputs = { x: at('x') as tf.Tensor4D, t: at('t') as tf.Tensor1D, labels: Int32Array.from(labels) };
    const run = (p: KindParams, x: tf.Tensor4D) => applyKind(p, { ...inputs, x }, { config, dropped });

    const y = run(params as unknown as KindParams, inputs.x);
    expect(relativeError(y, at(`${gate}.${nullGate}.y`))).toBeLessThan(1e-5);

    const w = at('w');
    const { grads } = valueAndGrad((p) => tf.sum(tf.mul(run(p.params as unknown as KindParams, p.x), w)) as tf.Scalar, {
      params,
      x: inputs.x,
    });
    const inactive: string[] = [];
    const all: number[] = [];
    const reference: number[] = [];
    for (const [name, grad] of flattenParams(grads.params)) {
      const wanted = `${gate}.${nullGate}.grad.${name}`;
      if (!tensors.has(wanted) || tensors.get(wanted)!.data.every((value) => value === 0)) {
        expect(grad.dataSync().every((value) => value === 0)).toBe(true);
        inactive.push(name);
      } else if (name.endsWith('.attn.k.bias')) {
        // A key bias shifts all logits of a query alike, which softmax does not see: zero but for rounding.
        expect(Math.max(...grad.dataSync().map(Math.abs))).toBeLessThan(1e-4);
      } else {
        const actual = name === 'shared.time.in.weight' ? tf.norm(grad) : grad;
        // An s of two elements is a sum over all tokens that nearly cancels: float32 holds it to 2e-5 of its own norm.
        expect(relativeError(actual, at(wanted)), name).toBeLessThan(name.endsWith('.s') ? 1e-4 : 1e-5);
        all.push(...actual.dataSync());
        reference.push(...at(wanted).dataSync());
      }
    }
    const closed = inactive.filter((name) => name.startsWith('tailors.c.'));
    // With a soft gate group c is open, but none of its classes is there: only its label rows have no gradient.
    expect(closed.length).toBe(gate === 'binary' ? 2 * 6 * 3 + 1 : 1);
    expect(relativeError(all, reference)).toBeLessThan(3e-6);
  });
});
