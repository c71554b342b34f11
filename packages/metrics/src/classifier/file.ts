import { disposeParams, paramsLike, paramsToTensorData } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { readSafetensors, writeSafetensors } from '@learngene/tensor-io/node';
import { type ClassifierConfig, type ClassifierOptions, classifierConfig } from './config';
import { type ClassifierParams, initClassifier } from './model';

const FORMAT = 'learngene-classifier-1';

/**
 * Writes parameters as float32 safetensors with the configuration in the metadata; the file is there whole or not at
 * all.
 */
export async function saveClassifier(path: string, params: ClassifierParams, config: ClassifierConfig): Promise<void> {
  const metadata = { format: FORMAT, config: JSON.stringify(config) };
  await writeSafetensors(path, await paramsToTensorData(params), { metadata });
}

/** A classifier read from a file. */
export interface LoadedClassifier {
  /** Parameters, bit for bit those saved; the caller owns them. */
  readonly params: ClassifierParams;
  /** Their configuration. */
  readonly config: ClassifierConfig;
}

/**
 * Reads what {@link saveClassifier} wrote.
 *
 * @throws Error that names the file, for another format, a configuration out of range, or tensors that do not fit it.
 */
export async function loadClassifier(path: string): Promise<LoadedClassifier> {
  const { tensors, metadata } = await readSafetensors(path);
  if (metadata.format !== FORMAT) {
    throw new Error(`${path}: expected metadata format '${FORMAT}', got ${JSON.stringify(metadata.format)}`);
  }
  try {
    const config = classifierConfig(JSON.parse(metadata.config ?? 'null') as ClassifierOptions);
    const template = initClassifier(createGenerator(0), config);
    try {
      return { params: paramsLike(template, tensors), config };
    } finally {
      disposeParams(template);
    }
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
  }
}
