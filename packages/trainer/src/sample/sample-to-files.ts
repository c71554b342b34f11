import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeSamples } from '@learngene/metrics/node';
import { disposeParams, type ParamTree } from '@learngene/nn';
import {
  type Config,
  createDiffusionProcess,
  type DiffusionModel,
  type MixedClass,
  mixClasses,
  mixtureName,
  type Progress,
  sampleClasses,
} from '@learngene/pipeline';
import { openDecoder, type PathSource } from '@learngene/pipeline/node';
import { checkGiven } from '../check-given';
import { writeGrid } from '../run-folder/write-grid';
import { loadForClasses } from './load-for-classes';

/** The options of {@link sampleToFiles}. */
export interface SampleToFilesOptions {
  /** The PNG file of the grid, a row a class. */
  out: string;
  /** An npz file as the ADM evaluator reads it (default: none). */
  npz?: string;
  /** Numbers of the classes to sample, or to mix. */
  ids: readonly number[];
  /** One class that is mixed from the classes of `ids`, in the order of `ids` (default: each class by itself). */
  mixture?: readonly MixedClass[];
  /** Images of each class. */
  count: number;
  /** Images in a row of the grid. */
  columns: number;
  /** Sampler, steps and guidance. */
  sampling: Config['sampling'];
  /** Seed of the noise. */
  seed: number;
  /** Images at a time. */
  batchSize: number;
  /** Folder of the autoencoder of a model of latents, if it is not where the recipe says. */
  autoencoder?: string;
  /** Receives a progress bar. */
  progress: Progress;
  /** Stops between two steps. */
  signal: AbortSignal;
}

/** Result of {@link sampleToFiles}. */
export interface SampledFiles {
  /** How many images there are. */
  count: number;
  /** Seconds that sampling took. */
  seconds: number;
}

/** Samples images of classes, of a bundle from their files alone, and writes them as a grid and, where it is named, as an npz file. */
export async function sampleToFiles(source: PathSource, options: SampleToFilesOptions): Promise<SampledFiles> {
  checkGiven('sampleToFiles', 'source', source, ['recipe', 'load']);
  const needed = ['out', 'ids', 'count', 'columns', 'sampling', 'seed', 'batchSize', 'progress', 'signal'];
  checkGiven('sampleToFiles', 'options', options, needed);
  const { out, npz, ids, mixture, count, columns, sampling, seed, batchSize, progress, signal } = options;
  const drawn = mixture === undefined ? ids : [0];
  const labels = Int32Array.from(drawn.flatMap((id) => new Array<number>(count).fill(id)));
  const classes = mixture === undefined ? source.classNames : [mixtureName(mixture)];
  const { decode, dispose } = await openDecoder(source.recipe, options.autoencoder);
  const model = await loadMixed(source, ids, mixture);
  try {
    const started = performance.now();
    const process = createDiffusionProcess(source.recipe);
    const images = await sampleClasses(model, process, { labels, sampling, seed, batchSize, decode, progress, signal });
    const seconds = (performance.now() - started) / 1000;
    await writeGrid(out, images, Math.min(columns, count));
    if (npz !== undefined) {
      await mkdir(dirname(npz), { recursive: true });
      await writeSamples(npz, { images, labels, classes });
    }
    return { count: images.count, seconds };
  } finally {
    disposeParams(model.params as unknown as ParamTree);
    dispose();
  }
}

/** The model with the tailors of the classes, or that of their mixture. */
async function loadMixed(
  source: PathSource,
  ids: readonly number[],
  mixture: readonly MixedClass[] | undefined,
): Promise<DiffusionModel> {
  const model = await loadForClasses(source, ids);
  if (mixture === undefined) return model;
  try {
    return await mixClasses(model, mixture, ids);
  } finally {
    disposeParams(model.params as unknown as ParamTree);
  }
}
