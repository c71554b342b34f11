import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { ditReader, type LazyTensors } from '@learngene/dit';
import { type KindConfig, type KindParams, kindFromDenseReader, type LayerError } from '@learngene/kind';
import { ConfigError, counted, type Progress } from '@learngene/pipeline';
import { denseFile, denseTensors, expectArtifact, modelPath } from '@learngene/pipeline/node';
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
