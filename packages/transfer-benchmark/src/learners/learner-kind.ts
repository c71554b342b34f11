import {
  applyKind,
  countKind,
  countTransferParams,
  disposeKindTraining,
  disposeReplaced,
  type KindConfig,
  type KindTrainState,
  kindTrainStep,
  type Trainable,
} from '@learngene/kind';
import { dispose, tidy } from '@tensorflow/tfjs-core';
import type { Counts, Learner } from './learner';
import { meanLoss } from './process';
import { spectraOf } from './spectra';

/** How a KIND model is trained. */
export interface KindLearnerOptions {
  config: KindConfig;
  /** What a step changes; it may change its mind, within what the state was made for. */
  trainable: (step: number) => Trainable;
  /** Factor on the learning rate of learngenes and tailors (default 1). */
  factorLearningRateScale?: number;
  /** Weight of the orthogonality penalty. */
  orthogonality: number;
  /** Whether the optimiser may write over the state before. */
  reuse: boolean;
}

/** A KIND model in training. */
export interface KindLearner extends Learner {
  /** What a checkpoint keeps. */
  state(): KindTrainState;
}

/** Parameters that a way of training changes. */
function kindTrainable(config: KindConfig, trainable: Trainable): number {
  const { params } = countKind(config);
  const classes = config.groups.reduce((sum, group) => sum + group.classes.length, 0);
  const tailors = countTransferParams(config, { groups: config.groups.length, classes }) + params.gate;
  switch (trainable) {
    case 'all':
      return params.total;
    case 'tailors':
      return tailors;
    case 'tailors-and-shared':
      return tailors + params.shared;
    case 'tailors-and-learngenes':
      return tailors + params.learngenes;
    default:
      throw new Error(`trainable: unknown ${String(trainable satisfies never)}`);
  }
}

function countsOf(config: KindConfig, trainable: Trainable): Counts {
  const { params, macs } = countKind(config);
  const largest = Math.max(...config.groups.map((group) => group.classes.length));
  const group = params.tailorGroup + largest * params.labelRow;
  const extra = kindTrainable(config, trainable) - kindTrainable(config, 'tailors');
  return {
    trainable: kindTrainable(config, trainable),
    macs: macs.total,
    bytesPerClass: 4 * (group + (trainable === 'all' ? 0 : extra)),
    parameters: params.total,
  };
}

/** Wraps a state as a learner; the state is its own from now on. */
export function kindLearner(start: KindTrainState, options: KindLearnerOptions): KindLearner {
  const { config, trainable, factorLearningRateScale, orthogonality, reuse } = options;
  let state = start;
  const without = { ...config, nullGate: 'learngenes' } as const;
  const within = { ...config, nullGate: 'own-class' } as const;
  return {
    agnostic: true,
    counts: countsOf(config, trainable(Number.MAX_SAFE_INTEGER)),
    async step({ labels, dropped, ...batch }, { learningRate, emaDecay, clipNorm }) {
      const result = kindTrainStep(
        {
          state,
          config,
          labels,
          dropped,
          loss: (denoiser) => meanLoss({ ...batch, labels }, ({ x, t }) => denoiser(x, t)),
        },
        {
          learningRate,
          factorLearningRateScale,
          trainable: trainable(state.step),
          emaDecay,
          clipNorm,
          orthogonality,
          reuse,
          weightDecay: 0,
        },
      );
      const [[loss], [norm]] = await Promise.all([result.loss.data(), result.gradientNorm.data()]);
      dispose([result.loss, result.gradientNorm]);
      disposeReplaced(state, result.state);
      state = result.state;
      return { loss, norm };
    },
    predict({ x, t, labels }, branch) {
      const dropped = new Uint8Array(labels.length).fill(branch === 'class' ? 0 : 1);
      const seen = branch === 'class-agnostic' ? without : within;
      return tidy(() => applyKind(state.ema, { x, t, labels }, { config: seen, dropped }));
    },
    spectra: () => spectraOf({ config, params: state.ema }),
    state: () => state,
    dispose: () => disposeKindTraining(state),
  };
}
