import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageDataset } from '@learngene/datasets';
import { classifierAccuracy } from '@learngene/metrics';
import { loadClassifier } from '@learngene/metrics/node';
import { trainExtractor } from '@learngene/trainer/node';
import type { JobContext } from '../data/context';
import { openDataset, splitOf } from '../data/data';
import { writeJson } from '../data/json-file';
import type { ClassifierJob, EvaluatorInput } from '../jobs/job';

const SEEDS = { features: 0, accuracy: 1 } as const;

/** The classes of a dataset's classifiers, in the dataset's order. */
export function usedClasses({ classes }: EvaluatorInput, { classes: all }: Pick<ImageDataset, 'classes'>): string[] {
  return all.filter((name) => classes.includes(name));
}

/** The file of a classifier's weights. */
export function classifierFile(out: string, key: string): string {
  return join(out, 'classifiers', `${key}.safetensors`);
}

/** Trains a classifier on the training images of all classes, and writes it with its accuracy on the held-out ones. */
export async function trainClassifierJob(context: JobContext, job: ClassifierJob): Promise<void> {
  const { out, progress, signal, onProgress } = context;
  const { key, role, steps, batchSize } = job;
  const { dataset } = job.evaluator;
  const { holdOut } = dataset.source;
  const all = await openDataset(out, dataset, progress);
  const classes = usedClasses(job.evaluator, all);
  const { train, heldOut } = splitOf(all, classes, holdOut);
  const reporting = {
    ...progress,
    startBar: () => ({ update: (value: number) => onProgress(value / steps), stop() {} }),
  };
  await mkdir(join(out, 'classifiers'), { recursive: true });
  const trained = await trainExtractor({
    train,
    heldOut,
    steps,
    batchSize,
    seed: SEEDS[role],
    path: classifierFile(out, key),
    progress: reporting,
    signal,
  });
  trained.dispose();
  const { params, config } = await loadClassifier(classifierFile(out, key));
  const perClass: Record<string, number> = {};
  for (const name of classes) {
    const part = splitOf(all, [name], holdOut).heldOut;
    if (part.size === 0) continue;
    const labels = new Int32Array(part.size).fill(classes.indexOf(name));
    perClass[name] = await classifierAccuracy(params, config, { data: { ...part, labels } });
  }
  await writeJson(join(out, 'classifiers', `${key}.json`), {
    dataset: dataset.name,
    role,
    classes,
    accuracy: trained.accuracy,
    perClass,
  });
}
