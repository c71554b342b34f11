import type { ImageDataset } from '@learngene/datasets';
import {
  createMoments,
  type FeatureExtractor,
  type FeatureSet,
  finishMoments,
  frechetDistance,
  frechetDistanceOfSets,
  type ImageBatch,
  imageSource,
  inceptionScore,
  type MomentStatistics,
  precisionRecall,
  updateMoments,
} from '@learngene/metrics';
import { noiseSource, openClassifier, type PrecisionMarks, tooFewForPrecision } from '@learngene/trainer/node';
import type { JobContext } from '../data/context';
import type { EvaluatorInput } from '../jobs/job';
import type { Evaluation } from '../plan/result';
import { classifierFile, usedClasses } from './classifier';

/** The scores of a set of samples. */
export type Scores = Pick<
  Evaluation,
  'fid' | 'sfid' | 'inceptionScore' | 'precision' | 'recall' | 'precisionMarks' | 'classAccuracy' | 'samples'
>;

interface Extracted {
  features: FeatureSet;
  spatial: FeatureSet;
  logits: FeatureSet;
}

/** Images whose features are extracted at a time. */
const BATCH = 256;

async function extractAll(extractor: FeatureExtractor, images: ImageBatch): Promise<Extracted> {
  const { count } = images;
  const empty = (dims = 0) => ({ data: new Float32Array(count * dims), count, dims });
  const all = {
    features: empty(extractor.dims),
    spatial: empty(extractor.spatialDims),
    logits: empty(extractor.classes),
  };
  const each = images.height * images.width * images.channels;
  for (let start = 0; start < count; start += BATCH) {
    const end = Math.min(count, start + BATCH);
    const part = { ...images, data: images.data.subarray(start * each, end * each), count: end - start };
    const found = await extractor.extract(part);
    for (const name of ['features', 'spatial', 'logits'] as const) {
      all[name].data.set(found[name] as Float32Array, start * all[name].dims);
    }
  }
  return all;
}

function momentsOf({ data, dims }: FeatureSet): MomentStatistics {
  const moments = createMoments(dims);
  updateMoments(moments, data);
  return finishMoments(moments);
}

/**
 * Features longer than this have no covariances: those of a classifier of 64x64 images, 1792 numbers, take seconds a score.
 * Up to rounding the distance is the same.
 */
const MOST_COVARIANCE_DIMS = 1024;

/** The Fréchet distance of sets of features to a reference. */
function distanceTo(reference: FeatureSet): (samples: FeatureSet) => number {
  if (reference.dims > MOST_COVARIANCE_DIMS) return (samples) => frechetDistanceOfSets(reference, samples);
  const moments = momentsOf(reference);
  return (samples) => frechetDistance(moments, momentsOf(samples));
}

/**
 * Repeats rows so that every class has the same weight: samples have as many images of every class, references need not.
 */
function balanced({ data, dims }: FeatureSet, labels: Int32Array): FeatureSet {
  const members = new Map<number, number[]>();
  labels.forEach((label, i) => {
    members.set(label, [...(members.get(label) ?? []), i]);
  });
  const most = Math.max(...[...members.values()].map((own) => own.length));
  const rows = [...members.values()].flatMap((own) => Array.from({ length: most }, (_, i) => own[i % own.length]));
  const out = new Float32Array(rows.length * dims);
  for (const [to, from] of rows.entries()) out.set(data.subarray(from * dims, (from + 1) * dims), to * dims);
  return { data: out, count: rows.length, dims };
}

/** The class with the largest logit of every row. */
function decisions({ data, count, dims }: FeatureSet): number[] {
  return Array.from({ length: count }, (_, i) => {
    const row = Array.from(data.subarray(i * dims, (i + 1) * dims));
    return row.indexOf(Math.max(...row));
  });
}

/** Scores samples against the held-out images of some classes. */
export interface Evaluator {
  /** Scores samples; `labels` are places in the classes of the reference images. */
  score(samples: ImageBatch, labels: Int32Array): Promise<Scores>;
  dispose(): void;
}

/** `count` images of a dataset, spread evenly over it; all where it has no more. */
async function evenlySpread(dataset: ImageDataset, count: number): Promise<ImageBatch> {
  const { size, height, width, channels } = dataset;
  const kept = Math.min(size, count);
  const places = Array.from({ length: kept }, (_, i) => Math.floor((i * size) / kept));
  return { data: await dataset.read(places), count: kept, height, width, channels };
}

/** Opens the classifiers of a dataset and extracts the features of the reference images. */
export async function openEvaluator(
  { out }: Pick<JobContext, 'out'>,
  {
    input,
    all,
    reference,
    train,
  }: { input: EvaluatorInput; all: ImageDataset; reference: ImageDataset; train: ImageDataset },
): Promise<Evaluator> {
  const features = await openClassifier(classifierFile(out, input.keys.features));
  const accuracy = await openClassifier(classifierFile(out, input.keys.accuracy));
  const names = usedClasses(input, all);
  const { height, width, channels, size } = reference;
  const data = await reference.read(Array.from({ length: size }, (_, i) => i));
  const real = await extractAll(features.extractor, { data, count: size, height, width, channels });
  const fid = distanceTo(balanced(real.features, reference.labels));
  const sfid = distanceTo(balanced(real.spatial, reference.labels));
  const marks = new Map<number, Promise<PrecisionMarks>>();
  const againstReal = async (images: ImageBatch) => {
    return precisionRecall((await extractAll(features.extractor, images)).features, real.features);
  };
  const measureMarks = async (samples: ImageBatch): Promise<PrecisionMarks> => {
    const noise = await againstReal(await noiseSource(imageSource(samples), 0).read(0, samples.count));
    const known = await evenlySpread(train, samples.count);
    if (tooFewForPrecision({ samples: known.count, reals: size }) !== undefined) return { noise };
    return { noise, training: await againstReal(known) };
  };
  return {
    async score(samples, labels) {
      const fake = await extractAll(features.extractor, samples);
      const seen = decisions((await extractAll(accuracy.extractor, samples)).logits);
      const right = seen.filter((label, i) => names[label] === reference.classes[labels[i]]).length;
      const { precision, recall } = precisionRecall(fake.features, real.features);
      const own = marks.get(samples.count) ?? measureMarks(samples); // they depend on the number of samples alone
      marks.set(samples.count, own);
      return {
        fid: fid(fake.features),
        sfid: sfid(fake.spatial),
        inceptionScore: inceptionScore(fake.logits, { splits: 1 }).mean,
        precision,
        recall,
        precisionMarks: await own,
        classAccuracy: right / samples.count,
        samples: samples.count,
      };
    },
    dispose() {
      features.dispose();
      accuracy.dispose();
    },
  };
}
