import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageDataset } from '@learngene/datasets';
import {
  createMoments,
  datasetSource,
  evaluate,
  type FeatureExtractor,
  finishMoments,
  type ImageSource,
  imageSource,
  type ReferenceStatistics,
  updateMoments,
} from '@learngene/metrics';
import {
  type Config,
  ConfigError,
  createDiffusionProcess,
  type Decode,
  type DiffusionModel,
  NonFinitePixelsError,
  type Progress,
  sampleClasses,
} from '@learngene/pipeline';
import { balanceClasses } from '../data/balance-classes';
import { spread, validationImages } from '../data/held-out-images';
import { type InDomainExtractor, openClassifier, trainExtractor } from '../evaluate/in-domain-extractor';
import { noiseSource } from '../evaluate/noise-baseline';

/** The classifier of a run, whose features its FID compares. */
export const CLASSIFIER_FILE = 'classifier.safetensors';

/** Steps of its training where the configuration says nothing. */
const CLASSIFIER_STEPS = 300;

/** Samples of a measurement where the configuration says nothing. */
const MOST_SAMPLES = 256;

/** The most training images that are scored. */
const MOST_TRAINING = 2048;

/** Scores of a model's samples, and the marks by which they are read. */
export interface FidScores {
  /** Fréchet distance of the samples to held-out images, every class of which has the same weight. */
  fid: number;
  /** The same of noise in the place of the samples. */
  noiseFid: number;
  /** The same of the training images. */
  trainFid: number;
}

/** Measures the FID of a model while it trains. */
export interface FidMeter {
  /** Steps between two measurements; the last step is measured too. */
  readonly every: number;
  /**
   * Draws samples with the averaged weights, from the same noise each time, and scores them; undefined where they hold NaN.
   *
   * @throws the signal's reason after an abort
   */
  measure(step: number): Promise<FidScores | undefined>;
  /** Frees the classifier. */
  dispose(): void;
}

/** What {@link openFidMeter} measures. */
export interface FidMeterOptions {
  /** The run folder; the classifier is kept there. */
  run: string;
  /** The run's configuration. */
  config: Config;
  /** Images that are trained on. */
  data: ImageDataset;
  /** Images that are not. */
  heldOut: ImageDataset | undefined;
  /** The model with its averaged weights; its tensors stay the caller's. */
  model(): DiffusionModel;
  /** Turns latents into images. */
  decode: Decode | undefined;
  /** Receives the progress. */
  progress: Progress;
  /** An abort ends a measurement. */
  signal: AbortSignal;
}

/**
 * Opens what measures the FID that a configuration asks for; undefined where it asks for none. The classifier whose features
 * are compared is read from the run folder, or trained from the configuration's seed and written there.
 *
 * @throws ConfigError where fewer than two images are held out
 */
export async function openFidMeter(options: FidMeterOptions): Promise<FidMeter | undefined> {
  const { config, data, model, decode, progress, signal } = options;
  const { fidEvery, fidImages } = config.validation ?? {};
  if (fidEvery === undefined) return undefined;
  const heldOut = options.heldOut && validationImages(options.heldOut, config);
  if (heldOut === undefined || heldOut.size < 2) {
    const message = `validation.fidEvery: expected at least two held-out images, got ${heldOut?.size ?? 0}`;
    throw new ConfigError(message, { argument: 'validation.fidEvery' });
  }
  const labels = labelsOf(data.classes.length, fidImages ?? Math.min(MOST_SAMPLES, heldOut.size));
  const { extractor, dispose } = await classifierOf(options, heldOut);
  let reference: ReferenceStatistics | undefined;
  const fidOf = async (samples: ImageSource) => {
    reference ??= await statisticsOf(extractor, datasetSource(balanceClasses(heldOut)));
    return (await evaluate({ extractor, reference, samples, metrics: ['fid'], signal })).fid as number;
  };
  let marks: Omit<FidScores, 'fid'> | undefined;
  return {
    every: fidEvery,
    dispose,
    async measure(step) {
      try {
        const images = await sampleClasses(model(), createDiffusionProcess(config), {
          ...{ labels, sampling: config.sampling, seed: config.seed, decode, progress, signal },
          title: 'Drawing samples for the FID',
        });
        const samples = imageSource(images);
        marks ??= {
          noiseFid: await fidOf(noiseSource(samples, config.seed)),
          trainFid: await fidOf(datasetSource(balanceClasses(spread(data, MOST_TRAINING)))),
        };
        return { fid: await fidOf(samples), ...marks };
      } catch (error) {
        if (!(error instanceof NonFinitePixelsError)) throw error;
        progress.warn(`No FID of step ${step}: ${error.message}`);
        return undefined;
      }
    },
  };
}

/** Images of which features are taken at a time. */
const BATCH = 64;

/** The statistics of the features of real images, for a FID. */
async function statisticsOf(extractor: FeatureExtractor, images: ImageSource): Promise<ReferenceStatistics> {
  const moments = createMoments(extractor.dims);
  for (let start = 0; start < images.count; start += BATCH) {
    const { features } = await extractor.extract(await images.read(start, Math.min(images.count, start + BATCH)));
    updateMoments(moments, features);
  }
  return { features: finishMoments(moments) };
}

/** Class ids of so many samples, as evenly over the classes as they allow, in the order of the classes. */
function labelsOf(classes: number, count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => Math.floor((i * classes) / count));
}

/** The classifier of the run: that of its folder, else a new one. */
function classifierOf(
  { run, config, data, progress, signal }: FidMeterOptions,
  heldOut: ImageDataset,
): Promise<InDomainExtractor> {
  const path = join(run, CLASSIFIER_FILE);
  if (existsSync(path)) return openClassifier(path);
  const { seed, validation } = config;
  const steps = validation?.fidClassifierSteps ?? CLASSIFIER_STEPS;
  return trainExtractor({ train: data, heldOut, steps, seed, path, progress, signal });
}
