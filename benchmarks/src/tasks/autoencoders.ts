import { disposeParams, type ParamTree, unflattenParams } from '@learngene/nn';
import { decodeVae, encodeVae, klVaeConfig, tinyVaeConfig, type VaeParams } from '@learngene/vae';
import * as tf from '@tensorflow/tfjs-core';
import { pattern, patternTensor, summary } from './pattern';
import type { AutoencoderSpec } from './specs';
import type { WorkItem } from './task';

/** The two that are compared: Stable Diffusion's own, and the tiny one of its latents. */
export const autoencoders = { kl: klVaeConfig('sd1'), tiny: tinyVaeConfig('taesd') };

/** Weights with the spread of fresh ones; python/autoencoders.py makes the same. */
function weightsOf({ tensors }: AutoencoderSpec): VaeParams {
  const leaves = tensors.map(([name, shape], i): [string, tf.Tensor] => {
    const values = pattern(tf.util.sizeFromShape([...shape]), i + 10);
    const factor =
      shape.length === 1
        ? 0.1
        : Math.sqrt(12 / tf.util.sizeFromShape(shape.length === 4 ? shape.slice(0, 3) : [shape[1]]));
    const mean = shape.length === 1 && name.includes('norm') && name.endsWith('weight') ? 1 : 0;
    for (const [j, value] of values.entries()) values[j] = value * factor + mean;
    return [name, tf.tensor(values, [...shape])];
  });
  return unflattenParams(new Map(leaves)) as unknown as VaeParams;
}

/** Encodes one image, or decodes one. */
async function autoencoder(spec: AutoencoderSpec): Promise<WorkItem> {
  const config = autoencoders[spec.model];
  const params = weightsOf(spec);
  const encodes = spec.part === 'encode';
  const side = encodes ? spec.side : spec.side / 8;
  const x = patternTensor<tf.Rank.R4>([1, side, side, encodes ? 3 : 4], 1, 2);
  const work = (): tf.Tensor4D[] => {
    if (!encodes) return [decodeVae(params, x, { config })];
    const { mean, logVariance } = encodeVae(params, x, { config });
    return logVariance ? [mean, logVariance] : [mean];
  };
  return {
    run: async () => {
      const results = work();
      await results[0].data();
      tf.dispose(results);
    },
    check: async () => {
      const all = tf.tidy(() => tf.concat(work(), 3));
      const numbers = await summary(all);
      all.dispose();
      return numbers;
    },
    dispose: () => {
      disposeParams(params as unknown as ParamTree);
      x.dispose();
    },
  };
}

/** Work items made of an autoencoder. */
export const autoencoderTasks = { autoencoder };
