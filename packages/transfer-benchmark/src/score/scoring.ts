import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageDataset } from '@learngene/datasets';
import {
  classifierAccuracy,
  createMoments,
  type FeatureExtractor,
  type FeatureSet,
  finishMoments,
  frechetDistance,
  type ImageBatch,
  inceptionScore,
  type MomentStatistics,
  precisionRecall,
  updateMoments,
} from '@learngene/metrics';
import { loadClassifier } from '@learngene/metrics/node';
import { type InDomainExtractor, openClassifier, trainExtractor } from '@learngene/trainer/node';
import type { JobContext } from '../data/context';
import { openPlanDataset, splitOf } from '../data/data';
import { writeJson } from '../data/json-file';
import { fingerprint, slug } from '../plan/keys';
import type { Plan } from '../plan/plan';
import type { Evaluation } from '../plan/result';

/** The figures of a set of samples. */
export type Figures = Pick<
  Evaluation,
  'fid' | 'sfid' | 'inceptionScore' | 'precision' | 'recall' | 'classAccuracy' | 'samples'
>;

/** Two classifiers of different seeds: the features of one are compared, the other one judges classes. */
export type Role = 'features' | 'judge';

const seeds = { features: 0, judge: 1 } as const;

/** All classes of a dataset that some task of the plan uses, in the dataset's order. */
function usedClasses(plan: Plan, dataset: string, all: readonly string[]): string[] {
  const used = new Set(
    Object.values(plan.tasks).flatMap((task) => [
      ...(task.dataset === dataset ? [...task.tuning, ...task.novel] : []),
      ...((task.pretrainingDataset ?? task.dataset) === dataset ? task.pretraining : []),
    ]),
  );
  return all.filter((name) => used.has(name));
}

function usedNames(plan: Plan, dataset: string): string[] {
  const tasks = Object.values(plan.tasks).flatMap((task) => [...task.pretraining, ...task.tuning, ...task.novel]);
  return usedClasses(plan, dataset, [...new Set(tasks)]).sort();
}

/** The file's name of a classifier. */
export function classifierKey(plan: Plan, dataset: string, role: Role): string {
  return slug(dataset, role, fingerprint([plan.datasets[dataset], usedNames(plan, dataset), plan.classifier]));
}

const fileOf = (out: string, key: string) => join(out, 'classifiers', `${key}.safetensors`);

/** Whether a classifier is trained. */
export function classifierIsDone(out: string, key: string): boolean {
  return existsSync(join(out, 'classifiers', `${key}.json`));
}

/** Trains a classifier on the training pictures of all classes and writes it with its accuracy on the others. */
export async function trainJudge(context: JobContext, dataset: string, role: Role): Promise<void> {
  const { out, plan, output, signal, progress } = context;
  const all = await openPlanDataset(out, plan, dataset, output);
  const classes = usedClasses(plan, dataset, all.classes);
  const { train, heldOut } = splitOf(all, classes, plan.datasets[dataset].holdOut);
  const key = classifierKey(plan, dataset, role);
  const { steps } = plan.classifier;
  const reporting = {
    ...output,
    startBar: () => ({ update: (value: number) => progress(value / steps), stop() {} }),
  };
  await mkdir(join(out, 'classifiers'), { recursive: true });
  const judge = await trainExtractor({
    train,
    heldOut,
    steps,
    seed: seeds[role],
    path: fileOf(out, key),
    output: reporting,
    signal,
  });
  judge.dispose();
  const { params, config } = await loadClassifier(fileOf(out, key));
  const accuracy: Record<string, number> = {};
  for (const name of classes) {
    const part = splitOf(all, [name], plan.datasets[dataset].holdOut).heldOut;
    if (part.size === 0) continue;
    const labels = new Int32Array(part.size).fill(classes.indexOf(name));
    accuracy[name] = await classifierAccuracy(params, config, { data: { ...part, labels } });
  }
  await writeJson(join(out, 'classifiers', `${key}.json`), {
    dataset,
    role,
    classes,
    accuracy: judge.accuracy,
    perClass: accuracy,
  });
}

interface Extracted {
  features: FeatureSet;
  spatial: FeatureSet;
  logits: FeatureSet;
}

const chunk = 256;

async function extractAll(extractor: FeatureExtractor, images: ImageBatch): Promise<Extracted> {
  const { count } = images;
  const empty = (dims = 0) => ({ data: new Float32Array(count * dims), count, dims });
  const all = {
    features: empty(extractor.dims),
    spatial: empty(extractor.spatialDims),
    logits: empty(extractor.classes),
  };
  const each = images.height * images.width * images.channels;
  for (let start = 0; start < count; start += chunk) {
    const end = Math.min(count, start + chunk);
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

/** Rows so often that all labels weigh the same: samples have as many pictures of every class, references need not. */
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

/** The best class of every row. */
function decisions({ data, count, dims }: FeatureSet): number[] {
  return Array.from({ length: count }, (_, i) => {
    const row = Array.from(data.subarray(i * dims, (i + 1) * dims));
    return row.indexOf(Math.max(...row));
  });
}

/** Scores samples against the held-out pictures of some classes. */
export interface Referee {
  /** `labels` are places in the classes that the referee was opened for. */
  score(samples: ImageBatch, labels: Int32Array): Promise<Figures>;
  dispose(): void;
}

/** Opens the classifiers of a dataset and extracts the features of the reference pictures. */
export async function openReferee(
  { out, plan }: JobContext,
  { dataset, all, reference }: { dataset: string; all: ImageDataset; reference: ImageDataset },
): Promise<Referee> {
  const open = (role: Role): Promise<InDomainExtractor> =>
    openClassifier(fileOf(out, classifierKey(plan, dataset, role)));
  const [features, judge] = [await open('features'), await open('judge')];
  const names = usedClasses(plan, dataset, all.classes);
  const { height, width, channels, size } = reference;
  const data = await reference.read(Array.from({ length: size }, (_, i) => i));
  const real = await extractAll(features.extractor, { data, count: size, height, width, channels });
  const moments = {
    features: momentsOf(balanced(real.features, reference.labels)),
    spatial: momentsOf(balanced(real.spatial, reference.labels)),
  };
  return {
    async score(samples, labels) {
      const fake = await extractAll(features.extractor, samples);
      const seen = decisions((await extractAll(judge.extractor, samples)).logits);
      const right = seen.filter((label, i) => names[label] === reference.classes[labels[i]]).length;
      const { precision, recall } = precisionRecall(fake.features, real.features);
      return {
        fid: frechetDistance(moments.features, momentsOf(fake.features)),
        sfid: frechetDistance(moments.spatial, momentsOf(fake.spatial)),
        inceptionScore: inceptionScore(fake.logits, { splits: 1 }).mean,
        precision,
        recall,
        classAccuracy: right / samples.count,
        samples: samples.count,
      };
    },
    dispose() {
      features.dispose();
      judge.dispose();
    },
  };
}
