import { disposeParams, paramsLike, paramsToTensorData } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { openSafetensorsFile, readSafetensors, writeSafetensors } from '@learngene/tensor-io/node';
import { checkNames } from '../check';
import { type ClassifierConfig, type ClassifierOptions, classifierConfig } from './config';
import { type ClassifierParams, initClassifier } from './model';

const FORMAT = 'learngene-classifier-1';

/** Settings of {@link saveClassifier}. */
export interface SaveClassifierOptions {
  /** The name of each class, kept in the file. */
  readonly classes?: readonly string[];
}

/**
 * Writes parameters as float32 safetensors with the configuration in the metadata. The file is written whole or not at
 * all.
 *
 * @throws RangeError where the number of names is not the number of classes.
 */
export async function saveClassifier(
  path: string,
  params: ClassifierParams,
  config: ClassifierConfig,
  options: SaveClassifierOptions = {},
): Promise<void> {
  checkNames('saveClassifier', options, ['classes']);
  const { classes } = options;
  checkClasses('classes', classes, config);
  const names = classes && { classes: JSON.stringify(classes) };
  const metadata = { format: FORMAT, config: JSON.stringify(config), ...names };
  await writeSafetensors(path, await paramsToTensorData(params), { metadata });
}

/** The description of a classifier. */
export interface ClassifierDescription {
  /** Its configuration. */
  readonly config: ClassifierConfig;
  /** The name of each class, where the file has them. */
  readonly classes?: readonly string[];
}

/** A classifier read from a file. */
export interface LoadedClassifier extends ClassifierDescription {
  /** Parameters, bit for bit those saved; the caller owns them. */
  readonly params: ClassifierParams;
}

function checkClasses(name: string, classes: unknown, config: ClassifierConfig): void {
  if (classes === undefined) return;
  const fits = Array.isArray(classes) && classes.every((value) => typeof value === 'string');
  if (fits && classes.length === config.classes) return;
  const got = fits ? String(classes.length) : JSON.stringify(classes)?.slice(0, 80);
  throw new RangeError(`${name}: expected ${config.classes} names, got ${got}`);
}

function describe(path: string, metadata: Readonly<Record<string, string>>): ClassifierDescription {
  if (metadata.format !== FORMAT) {
    throw new Error(`${path}: expected metadata format '${FORMAT}', got ${JSON.stringify(metadata.format)}`);
  }
  try {
    const config = classifierConfig(JSON.parse(metadata.config ?? 'null') as ClassifierOptions);
    if (metadata.classes === undefined) return { config };
    const classes = JSON.parse(metadata.classes) as readonly string[];
    checkClasses('classes', classes, config);
    return { config, classes };
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Reads the description of a classifier that {@link saveClassifier} wrote, without its parameters. Needs no tfjs
 * backend.
 *
 * @throws Error that names the file, for another format or a configuration out of range.
 */
export async function describeClassifier(path: string): Promise<ClassifierDescription> {
  const file = await openSafetensorsFile(path);
  try {
    return describe(path, file.metadata);
  } finally {
    await file.close();
  }
}

/**
 * Reads what {@link saveClassifier} wrote.
 *
 * @throws Error that names the file, for another format, a configuration out of range, or tensors that do not fit it.
 */
export async function loadClassifier(path: string): Promise<LoadedClassifier> {
  const { tensors, metadata } = await readSafetensors(path);
  const described = describe(path, metadata);
  try {
    const template = initClassifier(createGenerator(0), described.config);
    try {
      return { params: paramsLike(template, tensors), ...described };
    } finally {
      disposeParams(template);
    }
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
  }
}
