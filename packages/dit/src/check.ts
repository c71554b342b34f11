import { Tensor, type Tensor1D, type Tensor4D } from '@tensorflow/tfjs-core';
import { checkLabelArray, checkObject, shown } from './arguments';
import type { DitConfig } from './config';

/** What a DiT is applied to. */
export interface DitInputs {
  /** Noisy images, f32 [N, H, W, C] with H = W = `inputSize`; pixels in [-1, 1] or latents of about unit variance. */
  readonly x: Tensor4D;
  /** Timesteps of the 1000-step training process, [N], int32 or f32. */
  readonly t: Tensor1D;
  /**
   * Class ids on the host, [N], each in [0, classes], where `classes` is the null label. With `embedLabels`, any ids
   * that it takes.
   */
  readonly labels: Int32Array;
}

/** Throws when the shapes do not fit the configuration or each other; the message names the argument. */
export function checkInputs(inputs: DitInputs, { inputSize, inChannels }: DitConfig): void {
  checkObject('inputs', inputs);
  const { x, t, labels } = inputs;
  if (!(x instanceof Tensor)) throw new Error(`x: expected a tensor [N, H, W, C], got ${shown(x)}`);
  if (!(t instanceof Tensor)) throw new Error(`t: expected a tensor [N] of timesteps, got ${shown(t)}`);
  checkLabelArray(labels);
  const [N, H, W, C] = x.shape;
  if (x.rank !== 4 || H !== inputSize || W !== inputSize || C !== inChannels) {
    throw new Error(`x: expected [N, ${inputSize}, ${inputSize}, ${inChannels}], got [${x.shape.join(', ')}]`);
  }
  if (N === 0) throw new Error('x: expected at least one sample, got [0, ...]');
  if (t.rank !== 1 || t.size !== N) throw new Error(`t: expected [${N}], got [${t.shape.join(', ')}]`);
  if (labels.length !== N) throw new Error(`labels: expected ${N} labels, got ${labels.length}`);
}

/** Throws on an id outside [0, classes]. */
export function checkLabels(labels: Int32Array, { classes }: DitConfig): void {
  for (const label of labels) {
    if (label < 0 || label > classes) throw new Error(`labels: expected ids in [0, ${classes}], got ${label}`);
  }
}
