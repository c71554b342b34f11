import { access } from 'node:fs/promises';
import { type ParamTree, paramsToTensorData } from '@learngene/nn';
import type { Generator } from '@learngene/random';
import { normal } from '@learngene/random';
import { writeSafetensors } from '@learngene/tensor-io/node';
import * as tf from '@tensorflow/tfjs-core';
import { patternTensor } from './pattern';
import type { ModelSpec } from './specs';

/** Scales the pattern to unit variance. */
const unit = 3.4641016;

/** What a training step gets; the caller owns the tensors. */
export function batchOf({ batch, inputSize, inChannels, labels }: ModelSpec) {
  const shape = [batch, inputSize, inputSize, inChannels];
  return {
    x0: patternTensor<tf.Rank.R4>(shape, 1, 2),
    noise: patternTensor<tf.Rank.R4>(shape, 2, unit),
    t: Int32Array.from({ length: batch }, (_, i) => (i * 991) % 1000),
    labels: Int32Array.from(labels),
  };
}

/** Where a sampler starts. */
export function startNoise({ batch, inputSize, inChannels }: ModelSpec): tf.Tensor4D {
  return patternTensor<tf.Rank.R4>([batch, inputSize, inputSize, inChannels], 3, unit);
}

/** Layers that start at zero would hide mistakes and give no gradient elsewhere: small normal numbers instead. */
export function withoutZeros<T extends ParamTree>(tree: T, generator: Generator): T {
  const visit = (node: ParamTree, path: string): ParamTree =>
    Object.fromEntries(
      Object.entries(node).map(([key, child]) => {
        const name = `${path}.${key}`;
        if (!(child instanceof tf.Tensor)) return [key, visit(child as ParamTree, name)];
        if (!/adaln|final|bias/.test(name)) return [key, child];
        child.dispose();
        return [key, tf.tensor(normal(generator, child.size, { std: 0.02 }), child.shape)];
      }),
    );
  return visit(tree, '') as T;
}

/** Writes the weights for the peer, unless an earlier row has. */
export async function shareWeights(path: string, tree: ParamTree): Promise<void> {
  const written = await access(path).then(
    () => true,
    () => false,
  );
  if (!written) await writeSafetensors(path, await paramsToTensorData(tree));
}
