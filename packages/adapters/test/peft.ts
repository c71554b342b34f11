import { readFileSync } from 'node:fs';
import { blockLinearNames, type DitConfig, type DitParams, ditConfig, initDit } from '@learngene/dit';
import { type ParamTree, paramsFromTensorData } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { decodeSafetensors, type TensorData, toFloat32 } from '@learngene/tensor-io';
import * as tf from '@tensorflow/tfjs-core';
import { overlay } from '../src/core/trees';
import { FILES } from '../src/files/names';

/** The architecture of the fixtures: one block of width 8 with an MLP of 16. */
export const DIT: DitConfig = ditConfig({
  inputSize: 4,
  patchSize: 2,
  inChannels: 1,
  hiddenSize: 8,
  depth: 1,
  heads: 2,
  mlpRatio: 2,
  classes: 2,
});

export const NAMES = blockLinearNames(DIT);

/** 'attn.q' of 'blocks.0.attn.q'. */
export const short = (name: string) => name.slice('blocks.0.'.length);

function bytesOf(file: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../fixtures/${file}`, import.meta.url)));
}

export function fixture(file: string): Map<string, TensorData> {
  return decodeSafetensors(bytesOf(`${file}.safetensors`)).tensors;
}

/** The files of a folder that PEFT wrote. */
export function peftFiles(folder: string): Map<string, Uint8Array> {
  return new Map([FILES.config, FILES.tensors].map((file) => [file, bytesOf(`${folder}/${file}`)]));
}

export function tensor(data: TensorData | undefined): tf.Tensor {
  if (!data) throw new Error('fixture: expected a tensor, got none');
  return tf.tensor(toFloat32(data).slice(), [...data.shape]);
}

/** A DiT with the fixture's main layers; the caller owns it. */
export function fixtureBase(): DitParams {
  const blocks = new Map([...fixture('base')].filter(([key]) => key.startsWith('blocks.')));
  return overlay(initDit(createGenerator(0), DIT) as DitParams & ParamTree, paramsFromTensorData(blocks)) as DitParams;
}
