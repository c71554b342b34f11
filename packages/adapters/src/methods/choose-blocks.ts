import { type DitConfig, type DitParams, initDit } from '@learngene/dit';
import {
  adamWStep,
  disposeParams,
  initAdamW,
  mapParams,
  type ParamTree,
  readingBack,
  readSync,
  valueAndGrad,
} from '@learngene/nn';
import type { Generator } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';
import { checkCount } from '../core/checks';
import { subTree } from '../core/trees';

/** Options of {@link chooseLearngeneBlocks}. */
export interface ChooseBlocksOptions {
  /** The trained model's architecture. */
  readonly dit: DitConfig;
  /** How many blocks to choose, 1 to depth. */
  readonly count: number;
  /** The loss of a DiT in step `step`, such as the denoising loss of a batch. Gradients are taken through it. */
  readonly loss: (params: DitParams, step: number) => tf.Scalar;
  /** Draws the fresh blocks that the trained ones are mixed with. */
  readonly generator: Generator;
  /** Steps of the search (default 20). */
  readonly steps?: number;
  /** Learning rate of the gates (default 0.1). */
  readonly learningRate?: number;
}

/** What {@link chooseLearngeneBlocks} returns. */
export interface ChosenBlocks {
  /** The chosen blocks, ascending. */
  readonly blocks: readonly number[];
  /** The gate of every block after the search, in (0, 1): the share of the trained block in the mixture. */
  readonly gates: readonly number[];
}

/**
 * Chooses the blocks of Auto-LG (Wang et al. 2023, arXiv 2305.02279) by gradient. Block l of a descendant is the
 * mixture g_l (trained block) + (1 - g_l)(fresh block) with the gate g = sigmoid(alpha); alpha starts at zero. Only
 * alpha is trained on the loss, by Adam. The blocks with the largest gates are the learngenes. The paper instead
 * compares the layers of an ancestor and a pseudo-descendant by a meta-network.
 *
 * @param ancestor - a trained DiT, never disposed.
 * @throws on options out of range; `ReadBackError` on WebGPU, where the gates at the end can only be read
 *   asynchronously
 */
export function chooseLearngeneBlocks(ancestor: DitParams, options: ChooseBlocksOptions): ChosenBlocks {
  const kept = searchGates(ancestor, options);
  try {
    return chosen(
      readingBack('chooseLearngeneBlocks', () => readSync(kept)),
      options,
    );
  } finally {
    kept.dispose();
  }
}

/** {@link chooseLearngeneBlocks} on every engine. It waits until the gates are read back. */
export async function chooseLearngeneBlocksAsync(
  ancestor: DitParams,
  options: ChooseBlocksOptions,
): Promise<ChosenBlocks> {
  const kept = searchGates(ancestor, options);
  try {
    return chosen(await kept.data(), options);
  } finally {
    kept.dispose();
  }
}

/** The gates [depth] after the search; the caller owns them. */
function searchGates(ancestor: DitParams, options: ChooseBlocksOptions): tf.Tensor {
  const { dit, count, loss, generator, steps = 20, learningRate = 0.1 } = options;
  checkCount('count', count, dit.depth);
  checkCount('steps', steps);
  const fresh = initDit(generator, dit) as DitParams & ParamTree;
  let params: ParamTree = { alpha: tf.zeros([dit.depth]) };
  let state = initAdamW(params);
  for (let step = 0; step < steps; step++) {
    const { value, grads } = tf.tidy(() =>
      valueAndGrad((p: ParamTree) => loss(mixture(ancestor, fresh, p.alpha as tf.Tensor), step), params),
    );
    const after = adamWStep({ params, grads, state }, { learningRate, weightDecay: 0 });
    value.dispose();
    for (const tree of [params, grads, state.m, state.v]) disposeParams(tree as ParamTree);
    params = after.params;
    state = after.state;
  }
  const kept = tf.sigmoid(params.alpha as tf.Tensor);
  for (const tree of [params, state.m, state.v, fresh]) disposeParams(tree as ParamTree);
  return kept;
}

function chosen(values: ArrayLike<number>, { count }: ChooseBlocksOptions): ChosenBlocks {
  const gates = Array.from(values);
  const best = gates.map((_, block) => block).sort((a, b) => gates[b] - gates[a] || a - b);
  return { blocks: best.slice(0, count).sort((a, b) => a - b), gates };
}

/** The ancestor with every block mixed with a fresh one. */
function mixture(ancestor: DitParams & ParamTree, fresh: ParamTree, alpha: tf.Tensor): DitParams {
  const gates = tf.split(tf.sigmoid(alpha), alpha.size); // depth times [1]; the gradient is a concatenation
  return mapParams((trained, name) => {
    const block = /^blocks\.(\d+)\./.exec(name)?.[1];
    if (block === undefined) return trained;
    const other = subTree<tf.Tensor>(fresh, name)!;
    return tf.add(other, tf.mul(gates[Number(block)], tf.sub(trained, other)));
  }, ancestor);
}
