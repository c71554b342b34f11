import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
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
import { chooseClasses, openData } from '@learngene/trainer/node';
import { fingerprint } from '../plan/keys';
import type { Plan } from '../plan/plan';

type DatasetPlan = Plan['datasets'][string];

/** The seed of everything that decides which picture is where; the same for all seeds of a plan. */
const splitSeed = 0;

/** Pictures of every class in an order of the class's own; a smaller number of them is a part of a bigger one. */
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

/** At most `count` pictures of every class (0: all), drawn by seed, nested. */
export function fewOfEach(
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

/** A picture in another number of channels: grey is Rec. 601 luma. */
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

/** All pictures of a dataset brought to a size and a number of channels, in memory. */
async function reshaped(
  dataset: ImageDataset,
  { size = dataset.height, channels = dataset.channels }: { size?: number; channels?: number },
) {
  const { height, width, name, labels, classes } = dataset;
  if (height === size && width === size && dataset.channels === channels) return cacheDataset(dataset);
  const images = new Uint8Array(dataset.size * size * size * channels);
  for (let i = 0; i < dataset.size; i++) {
    const data = withChannels(await dataset.read([i]), dataset.channels, channels);
    images.set(resample({ data, width, height, channels }, size, size, BOX).data, i * size * size * channels);
  }
  return inMemoryDataset({ name, images, labels, height: size, width: size, channels, classes });
}

async function makeDataset(plan: DatasetPlan, output: Progress): Promise<ImageDataset> {
  const { source, path, size, merge, perClass } = plan;
  const files = source === 'emoji' || source === 'folder';
  const { data } = parseConfig({ data: { source, path, ...(files && { size }) } }, 'plan');
  let { dataset } = await openData(data, output);
  if (merge !== undefined) {
    const others = dataset.classes.filter((name) => !Object.values(merge).flat().includes(name));
    dataset = mergeClasses(dataset, { ...merge, ...Object.fromEntries(others.map((name) => [name, [name]])) });
  }
  if (perClass !== undefined) dataset = fewOfEach(dataset, perClass, { purpose: 'per-class', seed: splitSeed });
  return reshaped(dataset, { size: plan.size, channels: plan.channels });
}

/** A dataset of a plan, packed into one file of the grid's folder the first time. */
export async function openPlanDataset(out: string, plan: Plan, name: string, output: Progress): Promise<ImageDataset> {
  const asked = plan.datasets[name];
  const file = join(out, 'data', `${name}-${fingerprint(asked)}.safetensors`);
  if (!existsSync(file)) {
    await mkdir(join(out, 'data'), { recursive: true });
    const made = await makeDataset(asked, output);
    await writeSafetensors(file, await packDataset(made), { metadata: { classes: JSON.stringify(made.classes) } });
  }
  return packed(file);
}

/** Some classes of a dataset, the part that is held out always the same pictures. */
export function splitOf(dataset: ImageDataset, classes: readonly string[], fraction: number): DataPart {
  return holdOut(chooseClasses(dataset, classes), { fraction, seed: splitSeed });
}
