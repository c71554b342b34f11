import {
  applyKind,
  countKind,
  countTransferParams,
  disposeKindTraining,
  disposeReplaced,
  type GroupSteps,
  type KindConfig,
  type KindModel,
  type KindTrainState,
  kindTrainStep,
  stateFromTrees,
  stateToTrees,
  type Trainable,
} from '@learngene/kind';
import type { DiffusionProcess } from '@learngene/pipeline';
import { tidy } from '@tensorflow/tfjs-core';
import type { DiffusionCounts, DiffusionLearner } from '../contracts/diffusion';
import { batchObjective, readLosses } from '../objective/batch-objective';
import { heldState } from './held-state';
import { spectraOf } from './spectra';

/** How a KIND model is trained. */
export interface KindLearnerOptions {
  /** Shapes, groups and gate. */
  config: KindConfig;
  /** The diffusion process. */
  process: DiffusionProcess;
  /** Which parts a step changes. It may differ from step to step, within those that the state was made for. */
  trainable: Trainable | ((step: number) => Trainable);
  /** Factor on the learning rate of learngenes and tailors (default 1). */
  factorLearningRateScale?: number;
  /** Decoupled weight decay of the dense matrices (default 0). */
  weightDecay?: number;
  /** Weight of the orthogonality penalty (default 0). */
  orthogonality?: number;
  /** Whether the optimiser may overwrite the state before the step (default false). */
  donate?: boolean;
}

/** A KIND model in training. */
export interface KindLearner extends DiffusionLearner {
  /** The model with its averaged weights; the tensors stay the learner's. */
  model(): KindModel;
}

/** Parameters that a way of training changes. */
export function kindTrainable(config: KindConfig, trainable: Trainable): number {
  const { params } = countKind(config);
  const classes = config.groups.reduce((sum, group) => sum + group.classes.length, 0);
  const tailors = countTransferParams(config, { groups: config.groups.length, classes }) + params.gate;
  switch (trainable) {
    case 'all':
      return params.total;
    case 'tailors':
      return tailors;
    case 'gate':
      return params.gate + config.dit.classes * params.labelRow;
    case 'tailors-and-shared':
      return tailors + params.shared;
    case 'tailors-and-learngenes':
      return tailors + params.learngenes;
    default:
      throw new Error(`trainable: unknown ${String(trainable satisfies never)}`);
  }
}

function countsOf(config: KindConfig, trainable: Trainable): DiffusionCounts {
  const { params, macs, bytes } = countKind(config);
  const group = bytes.oneGroup - bytes.learngenes - bytes.shared;
  const extra = Math.max(0, kindTrainable(config, trainable) - kindTrainable(config, 'tailors'));
  return {
    trainable: kindTrainable(config, trainable),
    macs: macs.total,
    bytesPerClass: group + (trainable === 'all' ? 0 : 4 * extra),
    parameters: params.total,
  };
}

/**
 * A KIND model as a learner: knowledge diversion in pre-training, fresh tailors in a transfer.
 *
 * @param start The state before the first step, or what makes it when it is needed; the learner owns it.
 */
export function kindLearner(start: KindTrainState | (() => KindTrainState), options: KindLearnerOptions): KindLearner {
  const { config, process, factorLearningRateScale, weightDecay = 0, orthogonality = 0, donate = false } = options;
  const trainable = (step: number) =>
    typeof options.trainable === 'function' ? options.trainable(step) : options.trainable;
  const held = heldState(start, disposeKindTraining);
  const without = { ...config, nullGate: 'learngenes' } as const;
  const within = { ...config, nullGate: 'own-class' } as const;
  const predict: KindLearner['predict'] = ({ x, t, labels }, branch) => {
    const dropped = new Uint8Array(labels.length).fill(branch === 'class' ? 0 : 1);
    const seen = branch === 'class-agnostic' ? without : within;
    return tidy(() => applyKind(held.get().ema, { x, t, labels }, { config: seen, dropped }));
  };
  return {
    agnostic: true,
    counts: countsOf(config, trainable(Number.MAX_SAFE_INTEGER)),
    async step(batch, { learningRate, emaDecay, clipNorm }) {
      const { labels, dropped } = batch;
      const objective = batchObjective(process, batch);
      const before = held.get();
      const result = kindTrainStep(
        { state: before, config, labels, dropped, loss: objective.loss },
        {
          learningRate,
          factorLearningRateScale,
          trainable: trainable(before.step),
          emaDecay,
          clipNorm,
          orthogonality,
          donate,
          weightDecay,
        },
      );
      disposeReplaced(before, result.state);
      held.set(result.state);
      return objective.read(result.loss, result.gradientNorm);
    },
    evaluate: (batch) => readLosses(process, (x, t) => predict({ x, t, labels: batch.labels }, 'class'), batch),
    predict,
    spectra: () => spectraOf({ config, params: held.get().ema }),
    model: () => ({ config, params: held.get().ema }),
    state() {
      const state = held.get();
      const { trees, steps } = stateToTrees(state, config);
      return { step: state.step, trees, clocks: steps };
    },
    restore({ step, trees, clocks }) {
      held.replace(stateFromTrees({ trees, steps: clocks as GroupSteps, step }, config));
    },
    dispose: held.dispose,
  };
}
