import { disposeParams, type ParamTree } from '@learngene/nn';
import type { Images } from '@learngene/report';
import { mergeConfig, parseConfig } from '../config/load';
import type { Sampling } from '../config/schema';
import { ConfigError, PipelineDisposedError } from '../errors';
import { classLabels } from '../recipe/class-labels';
import { createDiffusionProcess, type DiffusionProcess } from '../recipe/diffusion-process';
import { type Recipe, recipeOf } from '../recipe/recipe';
import type { DiffusionModel } from '../sample/guided-denoiser';
import { checkMixture, type MixedClass, mixClasses } from '../sample/mix-classes';
import { sampleClasses } from '../sample/sample-classes';
import type { Decode, SampleStep } from '../sample/sample-images';
import { checkDdimOption } from '../sample/samplers';
import { checkFunction, checkNames, checkOptionNames, checkWhole } from './check-options';
import type { ComposedModel } from './compose';

/** Options of {@link Pipeline.sample}. The recipe has the defaults. */
export interface SampleOptions extends Partial<Sampling> {
  /** Names of classes (default all). */
  readonly classes?: readonly string[];
  /** One class that is mixed from classes: their tailors and label embeddings, weighted. In the place of `classes`. */
  readonly mixture?: readonly MixedClass[];
  /** Images of every class (default 1). */
  readonly count?: number;
  /** Seed of the noise, from 0. */
  readonly seed?: number;
  /** Images at a time (default 32). */
  readonly batchSize?: number;
  /** Called after every step; it is waited for. */
  readonly onStep?: (step: SampleStep) => void | Promise<void>;
  /** Stops before the next step, with the signal's reason. */
  readonly signal?: AbortSignal;
}

const SAMPLING_OPTIONS = ['sampler', 'steps', 'guidance', 'eta', 'spacing', 'clip'] satisfies (keyof Sampling)[];
const SAMPLE_OPTIONS = ['classes', 'mixture', 'count', 'seed', 'batchSize', 'onStep', 'signal', ...SAMPLING_OPTIONS];

/** What a {@link Pipeline} is made of. */
export interface PipelineParts extends ComposedModel {
  readonly recipe: Recipe;
  readonly decode?: Decode;
  /** Frees what the decoder holds. */
  readonly release?: () => void;
}

/** A model with its recipe: classes in, images out. It owns the model's tensors. */
export class Pipeline {
  /** The name of every class that can be sampled. */
  readonly classNames: readonly string[];
  /** How images are sampled where a call does not say otherwise. */
  readonly recipe: Recipe;
  /** The model that is sampled from, e.g. for `countAssembled`; the pipeline disposes it. */
  readonly model: DiffusionModel;
  readonly #process: DiffusionProcess;
  readonly #decode: Decode | undefined;
  readonly #release: (() => void) | undefined;
  readonly #disposed = new AbortController();

  constructor({ model, classNames, recipe, decode, release }: PipelineParts) {
    this.model = model;
    this.classNames = classNames;
    this.recipe = recipe;
    this.#process = createDiffusionProcess(recipe);
    this.#decode = decode;
    this.#release = release;
  }

  /**
   * Samples images, `count` of every class, class by class. The same seed and settings give the same bytes on one engine,
   * whatever was sampled before.
   *
   * @returns uint8 [N, H, W, C].
   * @throws ConfigError for an unknown class, with the nearest known one, for an unknown or wrong option, and for `eta`
   *   and `spacing` with another sampler than ddim; NonFinitePixelsError where a pixel is NaN or infinite; the signal's reason on abort;
   *   PipelineDisposedError after `dispose`
   */
  async sample(options: SampleOptions = {}): Promise<Images> {
    checkDisposed(this.#disposed.signal);
    checkOptionNames('sample', options, SAMPLE_OPTIONS);
    const { mixture, count = 1, seed = this.recipe.seed, batchSize = 32, onStep, signal } = options;
    if (options.classes !== undefined) checkNames('classes', options.classes);
    checkWhole('count', count, 1);
    checkWhole('seed', seed, 0);
    checkWhole('batchSize', batchSize, 1);
    checkFunction('onStep', onStep);
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      throw new ConfigError(`signal: expected an AbortSignal, got ${JSON.stringify(signal)}`);
    }
    const sampling = samplingOf(this.recipe, options);
    const ids = this.#idsOf(options);
    const mixed = mixture && (await mixClasses(this.model, mixture, ids));
    try {
      return await sampleClasses(mixed ?? this.model, this.#process, {
        labels: Int32Array.from((mixed ? [0] : ids).flatMap((id) => new Array<number>(count).fill(id))),
        sampling,
        seed,
        batchSize,
        decode: this.#decode,
        onStep,
        signal: AbortSignal.any([this.#disposed.signal, ...(signal === undefined ? [] : [signal])]),
      });
    } finally {
      if (mixed) disposeParams(mixed.params as unknown as ParamTree);
    }
  }

  /** The ids of the classes that a call names, or of those that it mixes. */
  #idsOf({ classes, mixture }: SampleOptions): number[] {
    if (mixture === undefined) {
      return classLabels(this.classNames, classes ?? this.classNames, { owner: 'the model', argument: 'classes' });
    }
    if (classes === undefined) return checkMixture(mixture, this.classNames);
    throw new ConfigError('mixture: expected one of classes and mixture, got both', { argument: 'mixture' });
  }

  /**
   * Frees the tensors of the model. A running `sample` rejects with PipelineDisposedError. A second call does nothing.
   */
  dispose(): void {
    if (this.#disposed.signal.aborted) return;
    this.#disposed.abort(new PipelineDisposedError('sample: the pipeline is disposed'));
    disposeParams(this.model.params as unknown as ParamTree);
    this.#release?.();
  }
}

function checkDisposed(signal: AbortSignal): void {
  signal.throwIfAborted();
}

/** The settings of the recipe, overridden by those of a call. */
function samplingOf(recipe: Recipe, options: SampleOptions): Sampling {
  const given = Object.fromEntries(SAMPLING_OPTIONS.map((name) => [name, options[name]]));
  const { sampling } = parseConfig(mergeConfig({ ...recipeOf(recipe) }, { sampling: given }), 'sample');
  for (const name of ['eta', 'spacing'] as const) if (options[name] !== undefined) checkDdimOption(name, sampling);
  return sampling;
}
