import * as tf from '@tensorflow/tfjs-core';
import { checkCount, checkNames } from './check';
import type { Denoiser } from './denoiser';
import { splitOutput } from './split-output';
import { uniformTime } from './time-tensor';

/** Two networks, or one network with two conditionings: each takes N samples. */
export interface PairedDenoisers {
  /** With the condition. */
  readonly conditional: Denoiser;
  /** Without. */
  readonly unconditional: Denoiser;
}

/** One network that takes 2N samples, [with condition; without]. */
export interface BatchedDenoiser {
  /** Takes x `[2N, H, W, C]` and t `[2N]`; the first N are conditional. */
  readonly batched: Denoiser;
  /**
   * Takes N samples with the condition. It is called where guidance is off; without it `batched` is called and half of
   * its output dropped.
   */
  readonly conditional?: Denoiser;
}

/** Settings of {@link guideDenoiser}. */
export interface GuidanceOptions {
  /** s: 0 is unconditional, 1 conditional, above 1 guided. */
  readonly scale: number;
  /**
   * How many of the first channels are guided (default all C; DiT uses 3). The others are those of the conditional
   * output.
   */
  readonly channels?: number;
  /**
   * Guide only where low <= t <= high, t as the network gets it (default: everywhere). Elsewhere the output is the
   * conditional one.
   */
  readonly interval?: readonly [low: number, high: number];
}

/**
 * Classifier-free guidance: unconditional + s (conditional - unconditional) (Ho & Salimans 2022, eq. 6 with w = s - 1;
 * interval: Kynkäänniemi et al. 2024). Learned variances are those of the conditional output. Samplers do not call the
 * unconditional network outside the interval or at scale 1.
 * @param denoisers - a pair, or a network on a doubled batch
 * @param options - scale, guided channels, interval of t
 * @returns a denoiser of N samples with as many output channels as the given ones
 * @throws on a malformed scale, number of channels or interval; when called, if outputs have other shapes
 */
export function guideDenoiser(denoisers: PairedDenoisers | BatchedDenoiser, options: GuidanceOptions): Denoiser {
  checkNames('guideDenoiser', options, ['scale', 'channels', 'interval']);
  const { scale, channels, interval } = options;
  if (!Number.isFinite(scale)) throw new Error(`scale: expected a finite number, got ${scale}`);
  if (channels !== undefined) checkCount('channels', channels, 1);
  if (interval !== undefined && !(Array.isArray(interval) && interval[0] <= interval[1])) {
    const got = Array.isArray(interval) ? `[${interval.join(', ')}]` : interval;
    throw new Error(`interval: expected [low, high] with low <= high, got ${got}`);
  }
  const evaluatePair = 'batched' in denoisers ? doubledBatch(denoisers.batched) : twoCalls(denoisers);
  const conditionalOnly = denoisers.conditional ?? ((x: tf.Tensor4D, t: tf.Tensor1D) => evaluatePair(x, t).conditional);
  return (x, t) =>
    tf.tidy(() => {
      const guided = guidedChannels(channels, x.shape[3]);
      const time = interval ? uniformTime(t) : undefined;
      const off = interval && time !== undefined && (time < interval[0] || time > interval[1]);
      if (off || scale === 1) return tf.clone(conditionalOnly(x, t));
      const factor = interval && time === undefined ? scaleAt(t, scale, interval) : scale;
      const { conditional, unconditional } = evaluatePair(x, t);
      splitOutput(conditional, x); // checks the shape
      const total = conditional.shape[3];
      if (guided === total) return guide(conditional, unconditional, factor);
      const head = (output: tf.Tensor4D) => tf.slice(output, [0, 0, 0, 0], [-1, -1, -1, guided]);
      const rest = tf.slice(conditional, [0, 0, 0, guided], [-1, -1, -1, -1]);
      return tf.concat([guide(head(conditional), head(unconditional), factor), rest], 3);
    });
}

interface Pair {
  conditional: tf.Tensor4D;
  unconditional: tf.Tensor4D;
}

function guide(conditional: tf.Tensor4D, unconditional: tf.Tensor4D, scale: number | tf.Tensor): tf.Tensor4D {
  return tf.add(unconditional, tf.mul(tf.sub(conditional, unconditional), scale));
}

/** The scale of each sample, `[N, 1, 1, 1]`: 1 outside the interval. */
function scaleAt(t: tf.Tensor1D, scale: number, [low, high]: readonly [number, number]): tf.Tensor {
  const inside = tf.logicalAnd(tf.greaterEqual(t, low), tf.lessEqual(t, high));
  return tf.reshape(tf.add(tf.mul(tf.cast(inside, 'float32'), scale - 1), 1), [-1, 1, 1, 1]);
}

function guidedChannels(channels: number | undefined, available: number): number {
  if (channels === undefined) return available;
  return checkCount('channels', channels, 1, available);
}

function twoCalls({ conditional, unconditional }: PairedDenoisers): (x: tf.Tensor4D, t: tf.Tensor1D) => Pair {
  return (x, t) => ({ conditional: conditional(x, t), unconditional: unconditional(x, t) });
}

function doubledBatch(denoiser: Denoiser): (x: tf.Tensor4D, t: tf.Tensor1D) => Pair {
  return (x, t) => {
    const output = denoiser(tf.concat([x, x], 0), tf.concat([t, t], 0));
    if (output.shape[0] !== 2 * x.shape[0]) {
      throw new Error(`batched: expected an output of ${2 * x.shape[0]} samples, got ${output.shape[0]}`);
    }
    const [conditional, unconditional] = tf.split<tf.Tensor4D>(output, 2, 0);
    return { conditional, unconditional };
  };
}
