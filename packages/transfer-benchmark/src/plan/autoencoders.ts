import { ConfigError, type RecipeAutoencoder } from '@learngene/pipeline';
import { describeAutoencoder, readAutoencoder } from '@learngene/pipeline/node';
import type { AutoencoderPlan, BenchmarkPlan, DatasetPlan, Task } from './benchmark-plan';
import { checkGivenPlan } from './check-given-plan';

/** An autoencoder whose hash, scale and shift are known. */
export type FilledAutoencoder = AutoencoderPlan &
  Required<Pick<AutoencoderPlan, 'hash' | 'scalingFactor' | 'shiftFactor'>>;

/** Pixels a side of image files where a plan names none, as `openData` of `@learngene/trainer` has it. */
const USUAL_SIZE = 32;

/** What is known of the images of a dataset before its files are opened. */
function knownOf({ source, size, channels }: DatasetPlan): { size?: number; channels?: number } {
  const fromFiles = source === 'emoji' || source === 'folder';
  return { size: size ?? (fromFiles ? USUAL_SIZE : undefined), channels: channels ?? (fromFiles ? 3 : undefined) };
}

/** Refuses images that the autoencoder does not take, as far as the plan tells, and patches that do not tile a latent. */
function checkImages(
  { datasets, model }: BenchmarkPlan,
  { dataset, pretrainingDataset = dataset, patchSize = model.patchSize }: Task,
  { recipe: { imageChannels, downscale }, at }: { recipe: RecipeAutoencoder; at: string },
): void {
  for (const name of new Set([dataset, pretrainingDataset])) {
    const { size, channels } = knownOf(datasets[name]);
    if (channels !== undefined && channels !== imageChannels) {
      throw new ConfigError(
        `${at}.autoencoder: takes images of ${imageChannels} channels, those of ${name} have ${channels} (datasets.${name}.channels)`,
      );
    }
    if (size === undefined) continue;
    if (size % downscale !== 0) {
      throw new ConfigError(
        `${at}.autoencoder: takes images whose sides are multiples of ${downscale} pixels, those of ${name} have ${size} (datasets.${name}.size)`,
      );
    }
    const side = size / downscale;
    if (side % patchSize !== 0) {
      throw new ConfigError(
        `${at}.patchSize: expected a divisor of ${side}, the positions a side of a latent of ${name}, got ${patchSize}`,
      );
    }
  }
}

/**
 * A plan whose autoencoders are filled in: the hash of their weights, scale and shift. Keys of jobs in latents are made of them,
 * so that results of one autoencoder are never taken for those of another. A plan of pixels stays as it is. Needs no engine.
 *
 * @throws ConfigError where there is no such autoencoder, where it has another hash than the plan says, and for images that it
 *   does not take
 */
export async function withAutoencoders(plan: BenchmarkPlan): Promise<BenchmarkPlan> {
  checkGivenPlan('withAutoencoders', plan);
  const tasks: Record<string, Task> = {};
  const read = new Map<string, ReturnType<typeof readAutoencoder>>();
  for (const [key, task] of Object.entries(plan.tasks)) {
    const { autoencoder: asked } = task;
    tasks[key] = task;
    if (asked === undefined) continue;
    const at = `tasks.${key}`;
    const { path, name, hash } = asked;
    const place = JSON.stringify([path, name, hash]);
    const files = read.get(place) ?? readAutoencoder({ path, name, hash }, `${at}.autoencoder`);
    read.set(place, files);
    const recipe = describeAutoencoder(await files, asked);
    checkImages(plan, task, { recipe, at });
    const { path: folder, name: called, scalingFactor, shiftFactor } = recipe;
    const filled: FilledAutoencoder = {
      ...(folder !== undefined && { path: folder }),
      ...(called !== undefined && { name: called }),
      hash: recipe.hash,
      scalingFactor,
      shiftFactor,
    };
    tasks[key] = { ...task, autoencoder: filled };
  }
  return { ...plan, tasks };
}

/** What of an autoencoder decides numbers: its weights, and scale and shift. Its place does not. */
export function autoencoderInKey({ hash, scalingFactor, shiftFactor }: FilledAutoencoder) {
  return { hash, scalingFactor, shiftFactor };
}

/**
 * The autoencoder of a task with all that keys are made of; undefined for a task in pixels.
 *
 * @throws RangeError where the plan has not been through {@link withAutoencoders}
 */
export function filledAutoencoder(key: string, { autoencoder }: Task): FilledAutoencoder | undefined {
  if (autoencoder === undefined) return undefined;
  const missing = (['hash', 'scalingFactor', 'shiftFactor'] as const).find((name) => autoencoder[name] === undefined);
  if (missing === undefined) return autoencoder as FilledAutoencoder;
  throw new RangeError(
    `plan: tasks.${key}.autoencoder.${missing}: missing; withAutoencoders fills it in, from the autoencoder's files`,
  );
}
