import { existsSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { ditReader, type LazyTensors } from '@learngene/dit';
import { type KindConfig, type KindParams, kindFromDenseReader, type LayerError } from '@learngene/kind';
import { type Config, ConfigError, counted, type Progress } from '@learngene/pipeline';
import { denseFile, denseTensors, describeDense, expectArtifact, modelPath } from '@learngene/pipeline/node';
import { createGenerator, stream } from '@learngene/random';
import { isTorchPath, openTensorFile } from '@learngene/tensor-io/node';

/**
 * Finds the file of a dense model to start from.
 *
 * @param argument What gave the path, for messages.
 * @returns its absolute path
 * @throws ConfigError that says what else lies at the path
 */
export async function denseStartFile(place: string, argument = 'dense'): Promise<string> {
  const path = await modelPath(place, { argument });
  if (!existsSync(path)) throw new ConfigError(`${argument} ${path}: no such file`);
  // Tensors of no known layout may have a prefix, which is taken off when they are read.
  const isTensors = statSync(path).isFile() && (path.endsWith('.safetensors') || isTorchPath(path));
  const kinds = isTensors ? (['dense', 'other'] as const) : (['dense'] as const);
  await expectArtifact(path, { option: argument, kinds, expected: 'a dense DiT' });
  return resolve(denseFile(path));
}

/** What of a process decides what the network's input and output mean; the rest is how it is trained and sampled. */
const MEANING = ['process', 'prediction', 'timesteps', 'schedule'] as const;

/**
 * Compares the recipe beside the weights of a start with that of the run: a network that predicts something else would be
 * trained away from what it knows.
 *
 * @param file As {@link denseStartFile} gives it; the recipe is that of its pipeline of diffusers, or in its metadata.
 * @param progress Warns where there is no recipe, and of another autoencoder.
 * @throws ConfigError naming every field of the process that differs, with what to set
 */
export async function checkDenseStart(file: string, config: Config, progress: Progress): Promise<void> {
  const own = await recipeBeside(file);
  if (own === undefined) {
    const words = meaningOf(config).map((name) => `${name} ${config.diffusion[name]}`);
    progress.warn(`${file} does not say its diffusion process; the run takes it for one of ${words.join(', ')}`);
    return;
  }
  const other = [...new Set([...meaningOf(own), ...meaningOf(config)])].filter(
    (name) => own.diffusion[name] !== config.diffusion[name],
  );
  if (other.length > 0) {
    const facts = other.map((name) => `diffusion.${name} ${own.diffusion[name]}, got ${config.diffusion[name]}`);
    throw new ConfigError(`dense ${file}: its weights expect ${facts.join('; ')}`, { argument: 'dense' });
  }
  const [theirs, ours] = [own.autoencoder, config.autoencoder];
  const same = (['hash', 'scalingFactor', 'shiftFactor'] as const).every((name) => theirs?.[name] === ours?.[name]);
  if (theirs !== undefined && ours !== undefined && !same) {
    progress.warn(`${file} was trained in the latents of another autoencoder than the run's`);
  }
}

/** A flow has no schedule of noise. */
function meaningOf({ diffusion }: Config): readonly (typeof MEANING)[number][] {
  return MEANING.filter((name) => name !== 'schedule' || diffusion.process === 'gaussian');
}

/** The recipe of the pipeline of diffusers that the weights lie in, or in their metadata. */
async function recipeBeside(file: string): Promise<Config | undefined> {
  const folder = dirname(file);
  const pipeline = basename(folder) === 'transformer' && existsSync(resolve(folder, '../model_index.json'));
  try {
    return (await describeDense(pipeline ? dirname(folder) : file)).config;
  } catch (error) {
    if (error instanceof ConfigError && error.code === 'recipe-missing') return undefined;
    throw error;
  }
}

/** The options of {@link kindFromDenseFile}. */
export interface KindFromDenseFileOptions {
  /** Seed of what the dense weights do not give. */
  seed: number;
  /** Takes a note where the keys have a prefix, or a checkpoint holds several models. */
  progress: Progress;
}

/**
 * Factors the weights of a dense DiT in any of the known layouts, a layer at a time: beside the result, one layer is in memory.
 *
 * @returns parameters that the caller disposes
 * @throws ConfigError for a file of several models, none of which is averaged weights
 */
export async function kindFromDenseFile(
  path: string,
  config: KindConfig,
  { seed, progress }: KindFromDenseFileOptions,
): Promise<KindParams> {
  const file = await openTensorFile(path);
  try {
    const tensors = denseTensors(file, path, progress);
    // Only shapes are looked at beforehand; reading a tensor of an unsupported element type throws.
    const read = await ditReader(tensors as unknown as LazyTensors, config.dit);
    const errors: LayerError[] = [];
    const onLayer = (error: LayerError) => void errors.push(error);
    const generator = stream(createGenerator(seed), 'from-dense');
    const params = await kindFromDenseReader(read, config, { generator, onLayer });
    progress.info(factoringWords(errors));
    return params;
  } finally {
    await file.close();
  }
}

/** How far the factored layers are from the dense ones, in words. */
function factoringWords(errors: readonly LayerError[]): string {
  const percent = (share: number) => `${(100 * share).toFixed(1)}%`;
  const mean = errors.reduce((sum, { error }) => sum + error, 0) / errors.length;
  const most = errors.reduce((worst, each) => (each.error > worst.error ? each : worst));
  return `Factored ${counted(errors.length, 'layer')}: their weights differ by ${percent(mean)} in the mean, at most by ${percent(most.error)} (${most.layer})`;
}
