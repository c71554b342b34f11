import type { ImageDataset } from '@learngene/datasets';
import { type DitConfig, ditConfig } from '@learngene/dit';
import { type KindConfig, kindConfig } from '@learngene/kind';
import { groupsOf } from '@learngene/trainer';
import type { ModelPlan, PretrainingPlan } from './benchmark-plan';

/** Size, channels and classes of what a model denoises, images or latents: what its shapes follow from. */
export type InputShape = Pick<ImageDataset, 'height' | 'width' | 'channels'> & {
  /** Names of its classes. */
  classes: readonly string[];
};

/** What a model of a dataset denoises: its latents where it has any, else its images. */
export function inputShape({ latents, classes, ...images }: ImageDataset): InputShape {
  const { height, width, channels } = latents ?? images;
  return { height, width, channels, classes };
}

/**
 * The form of a base model and its pre-training. With `init: 'dense'` it starts from the SVD of a dense base that was
 * trained for as many steps as it is trained itself.
 */
export type BaseSpec = {
  /** Factor on the plan's steps of pre-training (default 1). */
  stepsScale?: number;
  /** 'full': each learning rate is tried with the plan's steps of pre-training, not with its sweep steps. */
  sweepSteps?: 'full';
  /** Factor on the learning rate of the factored layers (default 1). */
  factorLearningRateScale?: number;
} & (
  | {
      /** A plain DiT. */
      form: 'dense';
      /** Width of a token. */
      hiddenSize: number;
    }
  | {
      /** A DiT whose main weights are factored, without a gate. */
      form: 'low-rank';
      /** Components of every main layer. */
      rank: number;
      /** Starts from the SVD of a dense base (default: from random factors). */
      init?: 'dense';
    }
  | {
      /** A KIND model. */
      form: 'kind';
      /** N_G: components of every main layer that all classes share. */
      learngeneRank: number;
      /** N_t: components that a class owns. */
      tailorRank: number;
      /** Class gate, as in `KindConfig`. */
      gate: 'binary' | 'soft';
      /** Gate of samples whose label was dropped, as in `KindConfig`. */
      nullGate: 'learngenes' | 'own-class';
      /** How the factors start: as in `initKind`, or from the SVD of a dense base. */
      init: 'orthogonal' | 'xavier' | 'dense';
      /** Weight of the orthogonality penalty in the loss. */
      orthogonality: number;
    }
);

function formName(spec: BaseSpec): string {
  switch (spec.form) {
    case 'dense':
      return `dense-${spec.hiddenSize}`;
    case 'low-rank':
      return spec.init === undefined ? `low-rank-${spec.rank}` : `low-rank-${spec.rank}-${spec.init}`;
    case 'kind': {
      const { learngeneRank, tailorRank, gate, nullGate, init, orthogonality } = spec;
      const extra = [
        gate === 'soft' ? 'soft' : '',
        nullGate === 'own-class' ? 'own-null' : '',
        init === 'orthogonal' ? '' : init,
        orthogonality > 0 ? 'orthogonality' : '',
      ].filter((text) => text !== '');
      return ['kind', learngeneRank, tailorRank, ...extra].join('-');
    }
    default:
      throw new Error(`base: unknown form ${JSON.stringify(spec satisfies never)}`);
  }
}

/** A short name of a spec, a part of the names of files: `kind-40-8-factors-x0.5`. */
export function specName(spec: BaseSpec): string {
  const { stepsScale, factorLearningRateScale: scale } = spec;
  return [
    formName(spec),
    ...(scale === undefined ? [] : [`factors-x${scale}`]),
    ...(stepsScale === undefined ? [] : [`x${stepsScale}`]),
  ].join('-');
}

/** Steps of the pre-training of a base, without those of a dense one that it starts from. */
export function baseSteps({ steps }: PretrainingPlan, { stepsScale = 1 }: BaseSpec): number {
  return Math.ceil(steps * stepsScale);
}

/** The dense base that a base starts from; undefined where it starts from random weights. */
export function denseStart({ hiddenSize }: ModelPlan, spec: BaseSpec): BaseSpec | undefined {
  if (spec.form === 'dense' || spec.init !== 'dense') return undefined;
  return { form: 'dense', hiddenSize, stepsScale: spec.stepsScale };
}

/** The number of steps for which each learning rate is tried. */
export function sweepSteps({ steps, sweepSteps: few = steps }: PretrainingPlan, { sweepSteps }: BaseSpec): number {
  return sweepSteps === 'full' ? steps : few;
}

/**
 * The base whose learning rates are tried for another. Variants of KIND take the rate of KIND, and longer pre-trainings
 * that of the usual length.
 */
export function sweptSpec({ learngeneRank, tailorRank }: ModelPlan, { stepsScale: _, ...spec }: BaseSpec): BaseSpec {
  if (spec.form === 'dense' || spec.sweepSteps === 'full') return spec;
  if (spec.form === 'low-rank') return { form: 'low-rank', rank: spec.rank };
  const plain = { gate: 'binary', nullGate: 'learngenes', init: 'orthogonal', orthogonality: 0 } as const;
  return { form: 'kind', learngeneRank, tailorRank, ...plain };
}

/** The architecture of a base on inputs of a shape. */
export function baseDit(model: ModelPlan, spec: BaseSpec, input: InputShape): DitConfig {
  const { patchSize, hiddenSize, depth, heads, labelDropout } = model;
  return ditConfig({
    inputSize: input.height,
    patchSize,
    inChannels: input.channels,
    hiddenSize: spec.form === 'dense' ? spec.hiddenSize : hiddenSize,
    depth,
    heads,
    classes: input.classes.length,
    labelDropout,
    learnSigma: false,
  });
}

/** The KIND configuration of a base on inputs of a shape. */
export function baseKindConfig(model: ModelPlan, spec: BaseSpec & { form: 'kind' }, input: InputShape): KindConfig {
  const { learngeneRank, tailorRank, gate, nullGate } = spec;
  const groups = groupsOf(input.classes);
  return kindConfig({ dit: baseDit(model, spec, input), learngeneRank, tailorRank, gate, nullGate, groups });
}
