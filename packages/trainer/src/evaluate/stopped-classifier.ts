import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { ImageDataset } from '@learngene/datasets';
import { type ClassifierConfig, type ClassifierTraining, initClassifier } from '@learngene/metrics';
import { disposeParams, paramsLike } from '@learngene/nn';
import { saveParams } from '@learngene/nn/node';
import { imageRecord } from '@learngene/pipeline/node';
import { createGenerator } from '@learngene/random';
import type { NamedTensors, TensorData } from '@learngene/tensor-io';
import { readSafetensors } from '@learngene/tensor-io/node';

const FORMAT = 'learngene-stopped-classifier-1';

/** What a stopped training of a classifier has to share with the one that goes on from it. */
export interface StoppedClassifierOf {
  /** Shape of the classifier. */
  config: ClassifierConfig;
  /** The images that it is trained on. */
  train: ImageDataset;
  /** Steps in all. */
  steps: number;
  /** Images of a step. */
  batchSize?: number;
  /** Seed of all randomness. */
  seed: number;
}

/** The training of a classifier that was stopped, in a file beside that of the classifier. */
export interface StoppedClassifier {
  /** Reads it; undefined where there is none of the same training. The caller disposes its tensors. */
  read(): Promise<ClassifierTraining | undefined>;
  /** Keeps it. */
  write(training: ClassifierTraining): Promise<void>;
  /** Deletes it. */
  remove(): Promise<void>;
}

/**
 * Where a training that was stopped is kept, so that it goes on later.
 *
 * @param classifier - the file that the classifier is written to in the end.
 */
export function stoppedClassifier(classifier: string, of: StoppedClassifierOf): StoppedClassifier {
  const path = classifier.replace(/(\.safetensors)?$/, '-stopped.safetensors');
  const same = sameTraining(of);
  return {
    async read() {
      if (!existsSync(path)) return undefined;
      const { tensors, metadata } = await readSafetensors(path);
      if (metadata.format !== FORMAT || metadata.training !== same) return undefined;
      const history = Float32Array.from(JSON.parse(metadata.history) as number[]);
      const template = initClassifier(createGenerator(0), of.config);
      try {
        const [params, m, v] = TREES.map((tree) => paramsLike(template, under(tree, tensors)));
        return { params, state: { step: history.length, m, v }, history };
      } finally {
        disposeParams(template);
      }
    },
    async write({ params, state: { m, v }, history }) {
      const metadata = { format: FORMAT, training: same, history: JSON.stringify([...history]) };
      await saveParams(path, { params, m, v }, { metadata });
    },
    async remove() {
      await rm(path, { force: true });
    },
  };
}

/** The trees of a training. */
const TREES = ['params', 'm', 'v'] as const;

/** The tensors whose names begin with that of a tree, without it. */
function under(tree: string, tensors: NamedTensors): Map<string, TensorData> {
  const own = [...tensors].filter(([name]) => name.startsWith(`${tree}.`));
  return new Map(own.map(([name, tensor]) => [name.slice(tree.length + 1), tensor]));
}

/** A hash that only trainings which give the same bits share, as far as that can be told without reading the images. */
function sameTraining({ config, train, steps, batchSize, seed }: StoppedClassifierOf): string {
  const facts = { config, images: imageRecord(train), steps, batchSize: batchSize ?? null, seed };
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex');
}
