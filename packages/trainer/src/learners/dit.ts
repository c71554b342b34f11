import { applyLowRankDit, type LowRankDitParams } from '@learngene/adapters';
import { applyDit, countDitMacs, type DitConfig, type DitParams } from '@learngene/dit';
import { countKindMacs, type DenseModel, kindConfig } from '@learngene/kind';
import { countParams, type LeafSettings, type ParamTree, sortParams } from '@learngene/nn';
import type { DiffusionProcess } from '@learngene/pipeline';
import * as tf from '@tensorflow/tfjs-core';
import type { DiffusionCounts, DiffusionLearner, NetworkInputs } from '../contracts/diffusion';
import { batchObjective, readLosses } from '../objective/batch-objective';
import { disposeTree, stepTree, type TreeState, treeFromState, treeToState } from './adamw-tree';
import { heldState } from './held-state';

/** How a Diffusion Transformer is trained. */
export interface DitLearnerOptions {
  /** Shapes. */
  config: DitConfig;
  /** Dense layers, or a product of three factors for every layer of the blocks. */
  form: 'dense' | 'low-rank';
  /** The diffusion process. */
  process: DiffusionProcess;
  /** Factor on the learning rate of factored layers (default 1). */
  factorLearningRateScale?: number;
  /** Decoupled weight decay of the dense matrices (default 0). */
  weightDecay?: number;
}

/** A Diffusion Transformer in training. */
export interface DitLearner extends DiffusionLearner {
  /**
   * The averaged weights of a dense model; the tensors stay the learner's.
   *
   * @throws for a low-rank one
   */
  model(): DenseModel;
}

function network(form: 'dense' | 'low-rank', config: DitConfig, params: ParamTree) {
  return (inputs: NetworkInputs): tf.Tensor4D =>
    form === 'dense'
      ? applyDit(params as DitParams, inputs, { config })
      : applyLowRankDit(params as LowRankDitParams, inputs, { config });
}

/** Labels with the dropped ones replaced by the null label. */
function withNull(labels: Int32Array, dropped: Uint8Array, classes: number): Int32Array {
  return labels.map((label, i) => (dropped[i] === 1 ? classes : label));
}

/** Sizes of a model that is trained as a whole. */
function countsOf(params: ParamTree, form: 'dense' | 'low-rank', config: DitConfig): DiffusionCounts {
  const total = countParams(params);
  const sizes = { trainable: total, bytesPerClass: 4 * total, parameters: total };
  if (form === 'dense') return { ...sizes, macs: countDitMacs(config).total };
  const { blocks } = params as unknown as { blocks: readonly { attn: { q: { s: tf.Tensor1D } } }[] };
  const rank = blocks[0].attn.q.s.shape[0];
  const macs = countKindMacs(kindConfig({ dit: config, learngeneRank: rank, tailorRank: 1 }), rank).total;
  return { ...sizes, macs };
}

/** Whether a leaf of a low-rank DiT is of a factored layer. */
const isFactor = (name: string): boolean => /^blocks\.\d+\.(attn|mlp)\./.test(name);

/**
 * A dense or low-rank Diffusion Transformer as a learner. All parameters are trained, by samples of all classes.
 *
 * @param start The state before the first step, or what makes it when it is needed; the learner owns it. The parameters of
 *   one that is made later are put in the order of `sortParams`, so that a restored learner need not make it.
 */
export function ditLearner(start: TreeState | (() => TreeState), options: DitLearnerOptions): DitLearner {
  const { config, form, process, factorLearningRateScale = 1, weightDecay = 0 } = options;
  const leaves: LeafSettings[] = [
    ...(form === 'low-rank' ? [{ includes: isFactor, learningRateScale: factorLearningRateScale }] : []),
    { includes: (name) => name.endsWith('.weight'), weightDecay },
  ];
  const sorted = (state: TreeState): TreeState => ({ ...state, params: sortParams(state.params) });
  const held = heldState(typeof start === 'function' ? () => sorted(start()) : start, disposeTree);
  const predict: DitLearner['predict'] = ({ x, t, labels }, branch) => {
    const seen = branch === 'class' ? labels : new Int32Array(labels.length).fill(config.classes);
    return tf.tidy(() => network(form, config, held.get().ema)({ x, t, labels: seen }));
  };
  return {
    agnostic: false,
    get counts() {
      return countsOf(held.get().params, form, config);
    },
    async step(batch, step) {
      const labels = withNull(batch.labels, batch.dropped, config.classes);
      const objective = batchObjective(process, batch);
      const { state, loss, gradientNorm } = stepTree(
        held.get(),
        (params) => objective.loss((x, t) => network(form, config, params)({ x, t, labels })),
        { ...step, leaves, donate: true },
      );
      held.set(state);
      return objective.read(loss, gradientNorm);
    },
    evaluate: (batch) => readLosses(process, (x, t) => predict({ x, t, labels: batch.labels }, 'class'), batch),
    predict,
    model() {
      if (form !== 'dense') throw new Error(`model: expected a dense model, got a ${form} one`);
      return { config, params: held.get().ema as DitParams };
    },
    state: () => treeToState(held.get()),
    restore: (state) => held.replace(treeFromState(state, held.peek())),
    dispose: held.dispose,
  };
}
