import { applyLowRankDit, type LowRankDitParams } from '@learngene/adapters';
import { applyDit, countDitMacs, type DitConfig, type DitParams } from '@learngene/dit';
import { countKindMacs, kindConfig } from '@learngene/kind';
import {
  type AdamWState,
  cloneParams,
  countParams,
  disposeParams,
  initAdamW,
  type ParamTree,
  stepParameterGroups,
  valueAndGrad,
} from '@learngene/nn';
import * as tf from '@tensorflow/tfjs-core';
import type { Counts, Learner, NetworkInputs } from './learner';
import { meanLoss } from './process';

/** A dense or plain low-rank DiT in pre-training: all of it is trained. */
export interface TreeState {
  params: ParamTree;
  ema: ParamTree;
  optimizer: AdamWState;
}

/** A learner that is one tree of parameters. */
export interface TreeLearner extends Learner {
  /** What a checkpoint keeps. */
  state(): TreeState;
}

/** The state before the first step; it owns `params`. */
export function freshTree(params: ParamTree): TreeState {
  return { params, ema: cloneParams(params), optimizer: initAdamW(params) };
}

function network(form: 'dense' | 'low-rank', dit: DitConfig, params: ParamTree) {
  return (inputs: NetworkInputs): tf.Tensor4D =>
    form === 'dense'
      ? applyDit(params as DitParams, inputs, { config: dit })
      : applyLowRankDit(params as LowRankDitParams, inputs, { config: dit });
}

/** Labels with the dropped ones replaced by the null label. */
function withNull(labels: Int32Array, dropped: Uint8Array, classes: number): Int32Array {
  return labels.map((label, i) => (dropped[i] === 1 ? classes : label));
}

/** Sizes of a model that is trained as a whole. */
function countsOf(params: ParamTree, form: 'dense' | 'low-rank', dit: DitConfig): Counts {
  const total = countParams(params);
  const sizes = { trainable: total, bytesPerClass: 4 * total, parameters: total };
  if (form === 'dense') return { ...sizes, macs: countDitMacs(dit).total };
  const { blocks } = params as unknown as { blocks: readonly { attn: { q: { s: tf.Tensor1D } } }[] };
  const rank = blocks[0].attn.q.s.shape[0];
  return { ...sizes, macs: countKindMacs(kindConfig({ dit, learngeneRank: rank, tailorRank: 1 }), rank).total };
}

/** Whether a leaf of a low-rank DiT is of a factored layer. */
const isFactor = (name: string): boolean => /^blocks\.\d+\.(attn|mlp)\./.test(name);

/** Wraps a state as a learner; the state is its own from now on. */
export function treeLearner(
  start: TreeState,
  form: 'dense' | 'low-rank',
  dit: DitConfig,
  { factorLearningRateScale = 1 }: { factorLearningRateScale?: number } = {},
): TreeLearner {
  const factors = { includes: isFactor, learningRateScale: factorLearningRateScale };
  let { params, ema, optimizer } = start;
  const counts = countsOf(start.params, form, dit);
  return {
    agnostic: false,
    counts,
    async step({ labels, dropped, ...batch }, { learningRate, emaDecay, clipNorm }) {
      const seen = withNull(labels, dropped, dit.classes);
      const { after, loss, norm } = tf.tidy(() => {
        const { value, grads } = valueAndGrad(
          (tree: ParamTree) => meanLoss({ ...batch, labels: seen }, network(form, dit, tree)),
          params,
        );
        const { groups, gradientNorm } = stepParameterGroups(
          [{ params, grads, state: optimizer, ema, leaves: [factors] }],
          { learningRate, weightDecay: 0, emaDecay, clipNorm, reuse: true },
        );
        return { after: groups[0], loss: value, norm: gradientNorm };
      });
      disposeParams({ params, ema, m: optimizer.m as ParamTree, v: optimizer.v as ParamTree });
      ({ params, ema } = after);
      optimizer = after.state;
      const [[a], [b]] = await Promise.all([loss.data(), norm.data()]);
      tf.dispose([loss, norm]);
      return { loss: a, norm: b };
    },
    predict({ x, t, labels }, branch) {
      const seen = branch === 'class' ? labels : new Int32Array(labels.length).fill(dit.classes);
      return tf.tidy(() => network(form, dit, ema)({ x, t, labels: seen }));
    },
    state: () => ({ params, ema, optimizer }),
    dispose: () => disposeParams({ params, ema, m: optimizer.m as ParamTree, v: optimizer.v as ParamTree }),
  };
}
