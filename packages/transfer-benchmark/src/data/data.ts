import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  BOX,
  cacheDataset,
  holdOut,
  type ImageDataset,
  inMemoryDataset,
  mergeClasses,
  packDataset,
  resample,
  subset,
} from '@learngene/datasets';
import { packed } from '@learngene/datasets/node';
import type { Progress } from '@learngene/pipeline';
import { parseConfig } from '@learngene/pipeline';
import { createGenerator, permutation, stream } from '@learngene/random';
import { writeSafetensors } from '@learngene/tensor-io/node';
import type { DataPart } from '@learngene/trainer/node';
import { chooseClasses, enlargedRecord, openData, warnOfEnlarged } from '@learngene/trainer/node';
import type { DatasetInput } from '../jobs/job';
import type { DatasetPlan } from '../plan/benchmark-plan';
import { withEncoded } from './latents';

/** The seed of splits and of `perClass`; the same for all seeds of a plan. */
const SPLIT_SEED = 0;

/** The places of each class's images in a seeded order that does not depend on the other classes. */
function shuffledMembers(dataset: ImageDataset, purpose: string, seed: number): number[][] {
  const members: number[][] = dataset.classes.map(() => []);
  dataset.labels.forEach((label, index) => {
    members[label].push(index);
  });
  return members.map((own, label) => {
    const order = permutation(stream(createGenerator(seed), `${purpose}/${dataset.classes[label]}`), own.length);
    return Array.from(order, (place) => own[place]);
  });
}

/** At most `count` images of every class (0: all), drawn by seed. A smaller count gives a subset of what a larger one gives. */
export function takePerClass(
  dataset: ImageDataset,
  count: number,
  { purpose, seed }: { purpose: string; seed: number },
): ImageDataset {
  if (count === 0) return dataset;
  return subset(
    dataset,
    shuffledMembers(dataset, purpose, seed).flatMap((own) => own.slice(0, count)),
  );
}

/** An image in another number of channels: grey is Rec. 601 luma. */
function withChannels(pixels: Uint8Array, from: number, to: number): Uint8Array {
  if (from === to) return pixels;
  const count = pixels.length / from;
  const out = new Uint8Array(count * to);
  for (let p = 0; p < count; p++) {
    if (to === 3) out.fill(pixels[p], 3 * p, 3 * p + 3);
    else out[p] = Math.round(0.299 * pixels[3 * p] + 0.587 * pixels[3 * p + 1] + 0.114 * pixels[3 * p + 2]);
  }
  return out;
}

/** A dataset in memory with its images brought to a size and a number of channels. */
async function reshaped(
  whole: ImageDataset,
  { size = whole.height, channels = whole.channels }: { size?: number; channels?: number },
  progress: Progress,
) {
  const { enlarged, ...dataset } = await cacheDataset(whole);
  const { height, width, name, labels, classes } = dataset;
  warnOfEnlarged(enlargedRecord(enlarged), dataset, progress);
  if (Math.min(height, width) < size) {
    const own = { images: dataset.size, smallest: [width, height] } as const;
    warnOfEnlarged(own, { size: dataset.size, height: size, width: size }, progress);
  }
  if (height === size && width === size && dataset.channels === channels) return dataset;
  const images = new Uint8Array(dataset.size * size * size * channels);
  for (let i = 0; i < dataset.size; i++) {
    const data = withChannels(await dataset.read([i]), dataset.channels, channels);
    images.set(resample({ data, width, height, channels }, size, size, BOX).data, i * size * size * channels);
  }
  return inMemoryDataset({ name, images, labels, height: size, width: size, channels, classes });
}

async function makeDataset(plan: DatasetPlan, progress: Progress): Promise<ImageDataset> {
  const { source, path, size, merge, perClass } = plan;
  const files = source === 'emoji' || source === 'folder';
  const { data } = parseConfig({ data: { source, path, ...(files && { size }) } }, 'plan');
  let { dataset } = await openData(data, progress);
  if (merge !== undefined) {
    const others = dataset.classes.filter((name) => !Object.values(merge).flat().includes(name));
    dataset = mergeClasses(dataset, { ...merge, ...Object.fromEntries(others.map((name) => [name, [name]])) });
  }
  if (perClass !== undefined) dataset = takePerClass(dataset, perClass, { purpose: 'per-class', seed: SPLIT_SEED });
  return reshaped(dataset, { size: plan.size, channels: plan.channels }, progress);
}

/** Opens the images of a dataset of a plan. The first time they are packed into one file of the benchmark's folder. */
export async function openImages(
  out: string,
  { file, source }: Pick<DatasetInput, 'file' | 'source'>,
  progress: Progress,
): Promise<ImageDataset> {
  const path = join(out, file);
  if (!existsSync(path)) {
    await mkdir(dirname(path), { recursive: true });
    const made = await makeDataset(source, progress);
    await writeSafetensors(path, await packDataset(made), { metadata: { classes: JSON.stringify(made.classes) } });
  }
  return packed(path);
}

/** Opens a dataset of a plan, with its latents where models work in them. */
export async function openDataset(out: string, input: DatasetInput, progress: Progress): Promise<ImageDataset> {
  const images = await openImages(out, input, progress);
  return input.latents === undefined ? images : withEncoded(out, images, input.latents);
}

/** Some classes of a dataset, divided into a training part and a held-out part; the held-out images are always the same. */
export function splitOf(dataset: ImageDataset, classes: readonly string[], fraction: number): DataPart {
  return holdOut(chooseClasses(dataset, classes), { fraction, seed: SPLIT_SEED });
}

/** The images of a base's classes. */
export async function baseData(
  out: string,
  { dataset, classes }: { dataset: DatasetInput; classes: readonly string[] },
  progress: Progress,
): Promise<DataPart> {
  return splitOf(await openDataset(out, dataset, progress), classes, dataset.source.holdOut);
}
