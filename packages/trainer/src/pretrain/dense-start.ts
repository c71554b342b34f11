import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { type KindConfig, type KindParams, kindFromDenseAsync } from '@learngene/kind';
import { disposeParams } from '@learngene/nn';
import { ConfigError, type Progress } from '@learngene/pipeline';
import { denseFile, denseParams, expectArtifact, modelPath, readDenseTensors } from '@learngene/pipeline/node';
import { createGenerator, stream } from '@learngene/random';
import { isTorchPath } from '@learngene/tensor-io/node';

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
 * Factors the weights of a dense DiT in any of the known layouts.
 *
 * @returns parameters that the caller disposes
 * @throws ConfigError for a file of several models, none of which is averaged weights
 */
export async function kindFromDenseFile(
  path: string,
  config: KindConfig,
  { seed, progress }: KindFromDenseFileOptions,
): Promise<KindParams> {
  const dense = denseParams(await readDenseTensors(path, progress), config.dit);
  try {
    return await kindFromDenseAsync(dense, config, { generator: stream(createGenerator(seed), 'from-dense') });
  } finally {
    disposeParams(dense);
  }
}
