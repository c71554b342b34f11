import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageDataset } from '@learngene/datasets';
import { type DitConfig, ditConfig } from '@learngene/dit';
import { type KindConfig, kindConfig } from '@learngene/kind';
import { groupsOf } from '@learngene/trainer';
import { fingerprint, slug } from './keys';
import type { Plan } from './plan';

/** What of pictures decides a model's shapes. */
export type PictureShape = Pick<ImageDataset, 'height' | 'channels' | 'classes'>;

/** What a base model is made of; init 'dense': from the SVD of a dense base that took as many steps as it takes itself. */
export type BaseSpec = {
  /** How many times the plan's steps it is pre-trained (default 1). */
  longer?: number;
  /** 'whole': its learning rates are tried with as many steps as it is pre-trained, not with the plan's sweep steps. */
  sweep?: 'whole';
  /** Factor on the learning rate of the factored layers (default 1). */
  factorLearningRateScale?: number;
} & (
  | { form: 'dense'; hiddenSize: number }
  | { form: 'low-rank'; rank: number; init?: 'dense' }
  | {
      form: 'kind';
      learngeneRank: number;
      tailorRank: number;
      gate: 'binary' | 'soft';
      nullGate: 'learngenes' | 'own-class';
      init: 'orthogonal' | 'xavier' | 'dense';
      orthogonality: number;
    }
);

/** A base model to be pre-trained. */
export interface BaseJob {
  spec: BaseSpec;
  dataset: string;
  classes: readonly string[];
  seed: number;
}

/** What is known of a finished base model. */
export interface BaseRecord {
  learningRate: number;
  validationLoss: number;
  parameters: number;
  macs: number;
  /** Median time of a step in milliseconds; not known of a base that was stopped between its last step and its record. */
  stepMs?: number;
  /** Time of the training in seconds; as `stepMs`. */
  seconds?: number;
}

/** Fields of a base's spec by the name of today, with the name that keys of older folders are made of. */
const namesInKeys: Readonly<Record<string, string>> = { factorLearningRateScale: 'factorRate' };

/** A spec as keys are made of it: a folder of an older version is found again. */
function specInKey(spec: BaseSpec): unknown {
  return Object.fromEntries(Object.entries(spec).map(([name, value]) => [namesInKeys[name] ?? name, value]));
}

/** The part of a key that does not depend on the seed. */
function inputsOf(plan: Plan, { spec, dataset, classes }: Omit<BaseJob, 'seed'>): unknown {
  const { labelDropout, patchSize, hiddenSize, depth, heads } = plan.model;
  return [
    specInKey(spec),
    plan.datasets[dataset],
    classes,
    { labelDropout, patchSize, hiddenSize, depth, heads },
    plan.pretraining,
  ];
}

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

function specName(spec: BaseSpec): string {
  const { longer, factorLearningRateScale: scale } = spec;
  return [
    formName(spec),
    ...(scale === undefined ? [] : [`factors-x${scale}`]),
    ...(longer === undefined ? [] : [`x${longer}`]),
  ].join('-');
}

/** Steps of the pre-training of a base, without those of a dense one that it starts from. */
export function baseSteps(plan: Plan, { longer = 1 }: BaseSpec): number {
  return Math.ceil(plan.pretraining.steps * longer);
}

/** The dense base that a base starts from; undefined where it starts from random weights. */
export function denseStart(plan: Plan, job: BaseJob): BaseJob | undefined {
  const { spec } = job;
  if (spec.form === 'dense' || spec.init !== 'dense') return undefined;
  return { ...job, spec: { form: 'dense', hiddenSize: plan.model.hiddenSize, longer: spec.longer } };
}

/** The folder's name of a base. */
export function baseKey(plan: Plan, job: BaseJob): string {
  return slug(job.dataset, specName(job.spec), `s${job.seed}`, fingerprint(inputsOf(plan, job)));
}

/** The steps of each learning rate that is tried for a base. */
export function sweepSteps({ pretraining }: Plan, { sweep }: BaseSpec): number {
  return sweep === 'whole' ? pretraining.steps : (pretraining.sweepSteps ?? pretraining.steps);
}

/** The base whose learning rates are tried for another: KIND itself for its variants, the usual length for a longer one. */
export function sweptBase(plan: Plan, job: Omit<BaseJob, 'seed'>): Omit<BaseJob, 'seed'> {
  const { longer: _, ...spec } = job.spec;
  if (spec.form === 'dense' || spec.sweep === 'whole') return { ...job, spec };
  if (spec.form === 'low-rank') return { ...job, spec: { form: 'low-rank', rank: spec.rank } };
  const { learngeneRank, tailorRank } = plan.model;
  const plain = { gate: 'binary', nullGate: 'learngenes', init: 'orthogonal', orthogonality: 0 } as const;
  return { ...job, spec: { form: 'kind', learngeneRank, tailorRank, ...plain } };
}

/** The file's name of the learning rates tried for a base. */
export function baseSweepKey(plan: Plan, base: Omit<BaseJob, 'seed'>): string {
  const job = sweptBase(plan, base);
  return slug('base', job.dataset, specName(job.spec), fingerprint(inputsOf(plan, job)));
}

/** The architecture of a base on pictures of a dataset. */
export function baseDit(plan: Plan, spec: BaseSpec, data: PictureShape): DitConfig {
  const { patchSize, hiddenSize, depth, heads, labelDropout } = plan.model;
  return ditConfig({
    inputSize: data.height,
    patchSize,
    inChannels: data.channels,
    hiddenSize: spec.form === 'dense' ? spec.hiddenSize : hiddenSize,
    depth,
    heads,
    classes: data.classes.length,
    labelDropout,
    learnSigma: false,
  });
}

/** The KIND configuration of a base. */
export function baseKindConfig(plan: Plan, spec: BaseSpec & { form: 'kind' }, data: PictureShape): KindConfig {
  const { learngeneRank, tailorRank, gate, nullGate } = spec;
  const groups = groupsOf(data.classes);
  return kindConfig({ dit: baseDit(plan, spec, data), learngeneRank, tailorRank, gate, nullGate, groups });
}

/** Whether a base is finished. */
export function baseIsDone(out: string, key: string): boolean {
  return existsSync(join(out, 'bases', key, 'base.json'));
}
