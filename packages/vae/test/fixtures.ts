import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createGenerator, normal, uniform } from '@learngene/random';
import { decodeSafetensors, type NamedTensors, type TensorData, toFloat32 } from '@learngene/tensor-io';
import { readFixture } from '@learngene/testing';
import type { Tensor4D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';

/** What tools/fixtures/make_vae.py writes about the cases. */
export interface CaseSummary {
  /** diffusers' own config.json. */
  readonly config: Record<string, unknown>;
  /** Of every tensor of the state dict. */
  readonly shapes: Readonly<Record<string, number[]>>;
  /** First and last value of every tensor that the class itself starts with under seed 0; none of a large model. */
  readonly start: Readonly<Record<string, [number, number]>>;
}

export function summaryOf(name: string): CaseSummary {
  return readFixture<Record<string, CaseSummary>>(import.meta.url, '../fixtures/summary.json')[name];
}

export function readResults(name: string): NamedTensors {
  const path = fileURLToPath(new URL(`../fixtures/${name}.safetensors`, import.meta.url));
  return decodeSafetensors(new Uint8Array(readFileSync(path))).tensors;
}

export function valuesOf(results: NamedTensors, key: string): Float32Array {
  const tensor = results.get(key);
  if (!tensor) throw new Error(`no ${key} in the fixture`);
  return toFloat32(tensor);
}

/** The weights that `draw` of the script makes. */
export function drawState(shapes: Readonly<Record<string, readonly number[]>>, seed = 11): Map<string, TensorData> {
  const g = createGenerator(seed);
  return new Map(
    Object.keys(shapes)
      .sort()
      .map((name): [string, TensorData] => {
        const shape = shapes[name];
        const size = tf.util.sizeFromShape([...shape]);
        const fanIn = tf.util.sizeFromShape(shape.slice(1));
        const mean = shape.length === 1 && name.endsWith('weight') ? 1 : 0;
        const scale = shape.length > 1 ? fanIn ** -0.5 : 0.1;
        const data = normal(g, size).map((value) => value * scale + mean);
        return [name, { dtype: 'F32', shape, data }];
      }),
  );
}

/** The images of the script: uniform in [-1, 1], drawn in torch's order. */
export function imagesOf(side: number, seed = 1, batch = 1): Tensor4D {
  const values = uniform(createGenerator(seed), batch * 3 * side * side).map((value) => value * 2 - 1);
  return channelsLast(values, [batch, 3, side, side]);
}

/** The latents of the script: standard normal, drawn in torch's order. */
export function latentsOf(side: number, channels: number, { seed = 2, batch = 1 } = {}): Tensor4D {
  const values = normal(createGenerator(seed), batch * channels * side * side);
  return channelsLast(values, [batch, channels, side, side]);
}

function channelsLast(values: Float32Array, shape: [number, number, number, number]): Tensor4D {
  return tf.tidy(() => tf.transpose(tf.tensor4d(values, shape), [0, 2, 3, 1]));
}

/** Most values of a result and of a gradient that the script keeps. */
const MOST = { result: 800, gradient: 12 };

/** ‖ours - theirs‖ / ‖theirs‖ over the values that the fixture keeps: every k-th. */
export function errorOf(ours: ArrayLike<number>, theirs: Float32Array, kind: keyof typeof MOST = 'result'): number {
  const step = Math.ceil(ours.length / MOST[kind]);
  if (Math.ceil(ours.length / step) !== theirs.length) {
    throw new Error(`${ours.length} values of ours do not go with ${theirs.length} of the fixture`);
  }
  let [difference, norm] = [0, 0];
  for (let i = 0; i < theirs.length; i++) {
    difference += (ours[i * step] - theirs[i]) ** 2;
    norm += theirs[i] ** 2;
  }
  return Math.sqrt(difference / (norm || 1)); // where all of theirs are 0, ours must be too
}
