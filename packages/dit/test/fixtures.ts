import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { decodeSafetensors, type NamedTensors, type TensorData, toFloat32 } from '@learngene/tensor-io';
import { readFixture } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { type DitConfig, ditConfig } from '../src/config';

/** What tools/fixtures/make_dit.py writes about one case. */
interface CaseSummary {
  config: {
    size: number;
    patch: number;
    channels: number;
    width: number;
    depth: number;
    heads: number;
    classes: number;
    sigma: boolean;
  };
  diffusers: { config: unknown; shapes: Record<string, number[]>; sha256: Record<string, string> };
}

export const CASES = ['latent', 'pixel'] as const;
type CaseName = (typeof CASES)[number];

export function summaryOf(name: CaseName): CaseSummary {
  return readFixture<Record<CaseName, CaseSummary>>(import.meta.url, '../fixtures/summary.json')[name];
}

export function configOf(name: CaseName): DitConfig {
  const { size, patch, channels, width, depth, heads, classes, sigma } = summaryOf(name).config;
  return ditConfig({
    inputSize: size,
    patchSize: patch,
    inChannels: channels,
    hiddenSize: width,
    depth,
    heads,
    classes,
    learnSigma: sigma,
  });
}

export function readTensors(file: string): Map<string, TensorData> {
  const path = fileURLToPath(new URL(`../fixtures/${file}`, import.meta.url));
  return decodeSafetensors(new Uint8Array(readFileSync(path))).tensors;
}

/** The tensors whose name starts with `prefix.`, without it. */
export function under(prefix: string, tensors: NamedTensors): Map<string, TensorData> {
  const entries = [...tensors].filter(([name]) => name.startsWith(`${prefix}.`));
  return new Map(entries.map(([name, tensor]) => [name.slice(prefix.length + 1), tensor]));
}

/** The inputs of the case as applyDit takes them; the caller owns x and t. */
export function inputsOf(tensors: NamedTensors): { x: tf.Tensor4D; t: tf.Tensor1D; labels: Int32Array } {
  const x = tensors.get('x')!;
  const t = tensors.get('t')!;
  return {
    x: tf.tensor<tf.Rank.R4>(toFloat32(x), x.shape as [number, number, number, number]),
    t: tf.tensor1d(t.data as Int32Array, 'int32'),
    labels: tensors.get('labels')!.data as Int32Array,
  };
}

export function values(tensors: NamedTensors, name: string): Float32Array {
  return toFloat32(tensors.get(name)!);
}

/** Bytes of every tensor, to compare bit for bit. */
export function bits(tensors: NamedTensors): [string, string, string, Buffer][] {
  return [...tensors].map(([name, { dtype, shape, data }]) => [
    name,
    dtype,
    shape.join(),
    Buffer.from(data.buffer, data.byteOffset, data.byteLength),
  ]);
}
