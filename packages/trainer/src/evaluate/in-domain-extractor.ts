import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ImageDataset } from '@learngene/datasets';
import {
  type ClassifierConfig,
  classifierAccuracy,
  classifierConfig,
  classifierExtractor,
  type FeatureExtractor,
  type ImageSource,
  trainClassifier,
} from '@learngene/metrics';
import { loadClassifier, saveClassifier } from '@learngene/metrics/node';
import { disposeParams } from '@learngene/nn';
import type { Progress } from '@learngene/pipeline';
import { createGenerator, stream } from '@learngene/random';
import { balanceClasses } from '../data/balance-classes';
import { stoppedClassifier } from './stopped-classifier';

/** An in-domain feature extractor with what is known of it. */
export interface InDomainExtractor {
  /** Features of images, by the classifier. */
  extractor: FeatureExtractor;
  /** Names of its classes, where they are known. */
  classes?: readonly string[];
  /** Accuracy on the held-out images, where it was measured. */
  accuracy?: number;
  /** Frees the classifier. */
  dispose(): void;
}

type Classifier = Awaited<ReturnType<typeof loadClassifier>>;

function asExtractor({ params, config, classes }: Classifier, accuracy?: number): InDomainExtractor {
  return {
    extractor: classifierExtractor(params, config, { name: 'in-domain classifier' }),
    ...(classes && { classes }),
    ...(accuracy === undefined ? {} : { accuracy }),
    dispose: () => disposeParams(params),
  };
}

/** Reads the classifier of a file. */
export async function openClassifier(path: string): Promise<InDomainExtractor> {
  return asExtractor(await loadClassifier(path));
}

/** What {@link trainExtractor} needs. */
export interface TrainExtractorOptions {
  /** Images to train on. */
  train: ImageDataset;
  /** Images to measure the accuracy on; may be empty. */
  heldOut: ImageDataset;
  /** Optimiser steps. */
  steps: number;
  /** Images of a step (default 64). */
  batchSize?: number;
  /** Seed of all randomness. */
  seed: number;
  /** Where the classifier is kept; nowhere where none is given. */
  path?: string;
  /** Gets the progress of the training. */
  progress: Progress;
  /** An abort ends the training before its next step; with a `path` what was done is kept. */
  signal?: AbortSignal;
}

/**
 * Trains a small classifier on the classes of a dataset, and keeps it in a file if one is named. A training that the signal ends
 * is kept beside that file, and goes on where it stopped when it is called again with the same images and settings.
 */
export async function trainExtractor(options: TrainExtractorOptions): Promise<InDomainExtractor> {
  const { train, heldOut, steps, batchSize, seed, path, progress, signal } = options;
  const { height, width, channels, classes } = train;
  const config: ClassifierConfig = classifierConfig({ height, width, channels, classes: Math.max(2, classes.length) });
  const stopped = path === undefined ? undefined : stoppedClassifier(path, { ...options, config });
  const from = await stopped?.read();
  if (from) progress.info(`Continuing the in-domain classifier from step ${from.history.length}`);
  const bar = progress.startBar('Training the in-domain classifier', steps, 'steps');
  try {
    if (path !== undefined) await mkdir(dirname(path), { recursive: true });
    const { params } = await trainClassifier({
      config,
      data: balanceClasses(train),
      generator: stream(createGenerator(seed), 'classifier'),
      steps,
      batchSize,
      signal,
      from,
      onStop: stopped?.write,
      onStep: ({ step, loss }) => bar.update(step, `loss ${loss.toFixed(3)}`),
    });
    const accuracy = heldOut.size > 0 ? await classifierAccuracy(params, config, { data: heldOut }) : undefined;
    const named = classes.length === config.classes ? { classes } : {}; // a second class of one has no name
    if (path !== undefined) {
      await saveClassifier(path, params, config, named);
      await stopped?.remove();
    }
    return asExtractor({ params, config, ...named }, accuracy);
  } finally {
    bar.stop();
    if (from) for (const tree of [from.params, from.state.m, from.state.v]) disposeParams(tree);
  }
}

/**
 * Reads the classifier of a file that {@link trainExtractor} wrote, and measures its accuracy.
 *
 * @param heldOut - images to measure the accuracy on; may be empty.
 */
export async function trainedExtractor(path: string, heldOut: ImageDataset): Promise<InDomainExtractor> {
  const { params, config, classes } = await loadClassifier(path);
  const accuracy = heldOut.size > 0 ? await classifierAccuracy(params, config, { data: heldOut }) : undefined;
  return asExtractor({ params, config, ...(classes && { classes }) }, accuracy);
}

/** Images of which the class is told at a time. */
const BATCH = 256;

/** The share of images that an extractor with logits takes for their intended class. */
export async function classAccuracy(
  extractor: FeatureExtractor,
  images: ImageSource,
  labels: ArrayLike<number>,
): Promise<number> {
  const classes = extractor.classes ?? 0;
  let right = 0;
  for (let start = 0; start < images.count; start += BATCH) {
    const end = Math.min(images.count, start + BATCH);
    const { logits } = await extractor.extract(await images.read(start, end));
    if (logits === undefined || classes === 0) throw new Error(`${extractor.name}: expected logits, got none`);
    for (let i = start; i < end; i++) {
      const row = logits.subarray((i - start) * classes, (i - start + 1) * classes);
      if (row.indexOf(row.reduce((a, b) => Math.max(a, b))) === labels[i]) right++;
    }
  }
  return right / images.count;
}
