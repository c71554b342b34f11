import type { ImageDataset } from '@learngene/datasets';
import { type DitConfig, initDit } from '@learngene/dit';
import {
  inFixedOrder,
  initKind,
  initKindTraining,
  type KindConfig,
  type KindTrainState,
  type Trainable,
} from '@learngene/kind';
import type { ParamTree } from '@learngene/nn';
import { type Config, createDiffusionProcess } from '@learngene/pipeline';
import { createGenerator, stream } from '@learngene/random';
import { type DiffusionBatchesState, diffusionBatches } from '../batches/diffusion-batches';
import { savedRandomness } from '../batches/randomness';
import type { BatchMaker } from '../contracts/batch-maker';
import type { DiffusionBatch } from '../contracts/diffusion';
import { balanceClasses } from '../data/balance-classes';
import { freshTree } from '../learners/adamw-tree';
import { type DitLearner, ditLearner } from '../learners/dit';
import { type KindLearner, kindLearner } from '../learners/kind';
import { type TrainingSchedule, trainingSchedule } from '../train/schedule';

/** Steps and rates of a configuration. */
export function scheduleOf({ training }: Config): TrainingSchedule {
  const { steps, learningRate, warmup, decay, decaySteps, holdFrom, emaDecay, clipNorm } = training;
  return trainingSchedule({ steps, learningRate, warmup, decay, decaySteps, holdFrom, emaDecay, clipNorm });
}

/** How a configuration draws timesteps. */
function timestepSamplerOf({ timestepSampler, timestepMean, timestepStd }: Config['diffusion']) {
  if (timestepSampler !== 'logit-normal') return timestepSampler;
  return { kind: timestepSampler, mean: timestepMean, std: timestepStd } as const;
}

/**
 * Makes the batch maker of a configuration. Noise, timesteps and dropped labels come from one generator, whose state is
 * kept.
 *
 * @param state - an earlier `state()` of the batch maker, to continue from there.
 */
export function batchesOf(config: Config, images: ImageDataset, state?: unknown): BatchMaker<DiffusionBatch> {
  const { seed, data, model, training, diffusion } = config;
  const saved = state as DiffusionBatchesState | undefined;
  const process = createDiffusionProcess(config);
  return diffusionBatches({
    data: data.balance ? balanceClasses(images) : images,
    batchSize: training.batchSize,
    flip: data.flip,
    seed,
    stream: 'batches',
    prefetch: 2,
    randomness: savedRandomness({
      process,
      labelDropout: model.labelDropout,
      generator: stream(createGenerator(seed), 'training'),
      timestepSampler: timestepSamplerOf(diffusion),
      state: saved,
    }),
    droppedKeepGroup: model.nullGate === 'own-class',
    state: saved?.images,
  });
}

/** What {@link kindLearnerOf} trains. */
export interface KindOfOptions {
  /** Shapes, groups and gate. */
  model: KindConfig;
  /** Which parts are trained (default 'all'). */
  trainable?: Trainable;
  /** The state before the first step (default: fresh weights of the configuration's seed). */
  start?(): KindTrainState;
}

/** The KIND model of a configuration as a learner. */
export function kindLearnerOf(config: Config, options: KindOfOptions): KindLearner {
  const { model, trainable = 'all' } = options;
  const { factorLearningRateScale, weightDecay, orthogonality } = config.training;
  const fresh = () =>
    initKindTraining(initKind(stream(createGenerator(config.seed), 'init'), model, { init: config.model.init }), {
      trainable,
    });
  const start = options.start ?? fresh;
  return kindLearner(() => inFixedOrder(start()), {
    config: model,
    process: createDiffusionProcess(config),
    trainable,
    factorLearningRateScale,
    weightDecay,
    orthogonality,
    donate: true,
  });
}

/** The dense DiT of a configuration as a learner, with fresh weights of the configuration's seed. */
export function denseLearnerOf(config: Config, dit: DitConfig): DitLearner {
  const fresh = () => freshTree(initDit(stream(createGenerator(config.seed), 'init'), dit) as ParamTree);
  const { weightDecay } = config.training;
  return ditLearner(fresh, { config: dit, form: 'dense', process: createDiffusionProcess(config), weightDecay });
}
