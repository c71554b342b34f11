import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  countDitMacs,
  countDitParams,
  type DitConfig,
  ditLayout,
  inferDitConfig,
  type NamedShapes,
} from '@learngene/dit';
import { countKind, type KindConfig } from '@learngene/kind';
import { loadBundle } from '@learngene/kind/node';
import { disposeParams } from '@learngene/nn';
import type { TensorFile } from '@learngene/tensor-io';
import { isTorchPath, openTensorFile } from '@learngene/tensor-io/node';
import { recogniseVae, type VaeWeightsDescription } from '@learngene/vae';
import { isShippedAutoencoder } from '../../config/shipped-autoencoders';
import { ConfigError } from '../../errors';
import { noProgress, type Progress } from '../../progress';
import { type Recipe, readRecipe, recipeOf } from '../../recipe/recipe';
import { denseFile, denseTensors } from '../dense-model';
import { modelPath } from '../hub/model-path';
import { identify } from '../identify';
import { checkpointSteps, type DenseRunRecord, type KindRunRecord, readRunRecord } from '../run-folder';
import { type AutoencoderInspection, inspectAutoencoder } from './inspect-autoencoder';

/** A run of KIND, and what its model costs. */
export interface KindRunInspection {
  /** Says which inspection it is. */
  what: 'kind-run';
  /** The run folder. */
  path: string;
  /** Configuration and model. */
  record: KindRunRecord;
  /** Its parameters, by part. */
  parameters: ReturnType<typeof countKind>['params'];
  /** Multiply-accumulates of a class. */
  macs: ReturnType<typeof countKind>['macs'];
  /** The steps that checkpoints were written after. */
  checkpoints: readonly number[];
}

/** A run of a plain DiT, and what its model costs. */
export interface DenseRunInspection {
  /** Says which inspection it is. */
  what: 'dense-run';
  /** The run folder. */
  path: string;
  /** Configuration and model. */
  record: DenseRunRecord;
  /** Its parameters. */
  parameters: {
    /** All that are trained. */
    total: number;
  };
  /** Multiply-accumulates of a forward pass. */
  macs: ReturnType<typeof countDitMacs>;
  /** The steps that checkpoints were written after. */
  checkpoints: readonly number[];
}

/** A bundle, whose files are what they should be. */
export interface BundleInspection {
  /** Says which inspection it is. */
  what: 'bundle';
  /** Shapes, groups and gate. */
  config: KindConfig;
  /** What it costs. */
  counts: ReturnType<typeof countKind>;
  /** How images are sampled from it; null where the bundle does not say. */
  recipe: Recipe | null;
}

/** A tensor of a file. */
export interface InspectedTensor {
  /** Its name. */
  name: string;
  /** Element type, as the file names it, for example `F32`. */
  dtype: string;
  /** Sizes of the axes. */
  shape: readonly number[];
}

/** A file of tensors. */
export interface TensorsInspection {
  /** Says which inspection it is. */
  what: 'tensors';
  /** What the file is, in words. */
  kind: string;
  /** Its tensors, in their order. */
  tensors: readonly InspectedTensor[];
  /** Its metadata. */
  metadata: Readonly<Record<string, string>>;
  /** The layout of a DiT's weights; null for anything else. */
  layout: string | null;
  /**
   * The network that follows from the shapes. Null where the shapes do not tell all of it, such as the number of heads
   * of a size that is no preset.
   */
  config: DitConfig | null;
  /** What the tensors tell of an autoencoder; null for anything else. */
  autoencoder: VaeWeightsDescription | null;
}

/** What lies at a path. */
export type Inspection =
  | KindRunInspection
  | DenseRunInspection
  | BundleInspection
  | TensorsInspection
  | AutoencoderInspection;

/** The options of {@link inspectPath}. */
export interface InspectPathOptions {
  /** Called before weights are read; it must select a tfjs backend. */
  needEngine: () => Promise<unknown>;
  /** Receives a message where a folder holds several models (default: none). */
  progress?: Progress;
}

/**
 * Reads what a run, a bundle, a demo, a dense model, an autoencoder (its folder, its weights, the run that trained it, or the
 * name of a shipped one), the bundle of an installed npm package, or a file of tensors (`.safetensors`, `.pt`, `.pth`) is and
 * costs.
 *
 * @throws ConfigError that says what else lies at the path
 */
export async function inspectPath(source: string, options: InspectPathOptions): Promise<Inspection> {
  const { needEngine, progress = noProgress } = options;
  if (!existsSync(source) && isShippedAutoencoder(source)) return inspectAutoencoder({ name: source }, source);
  const path = await modelPath(source, { progress, argument: 'source' });
  const artifact = await identify(path);
  const folder = artifact.autoencoder;
  if (folder !== undefined) {
    if (!existsSync(folder)) {
      throw new ConfigError(`${path}: the run of an autoencoder, which the end of its training will write`);
    }
    if (folder !== path) progress.info(`${path} is ${artifact.what}`);
    return inspectAutoencoder({ path: folder }, path);
  }
  if ((path.endsWith('.safetensors') || isTorchPath(path)) && statSync(path).isFile())
    return inspectTensors(path, artifact.what);
  switch (artifact.kind) {
    case 'bundle':
      await needEngine();
      return inspectBundle(path);
    case 'run':
      return inspectRun(path);
    case 'demo':
      progress.info(`${path} is ${artifact.what}; this is the first`);
      return inspectRun(join(path, 'pretrain'));
    case 'dense':
      return inspectTensors(denseFile(path), artifact.what);
    default:
      throw new ConfigError(
        `${path}: expected a run, a bundle, a demo, an autoencoder or a .safetensors, .pt or .pth file; this is ${artifact.what}`,
      );
  }
}

async function inspectRun(path: string): Promise<KindRunInspection | DenseRunInspection> {
  const record = await readRunRecord(path);
  const checkpoints = await checkpointSteps(path);
  if (record.kind === 'dense') {
    const { dit } = record.model;
    const parameters = { total: countDitParams(dit).trainable };
    return { what: 'dense-run', path, record, parameters, macs: countDitMacs(dit), checkpoints };
  }
  const { params: parameters, macs } = countKind(record.model);
  return { what: 'kind-run', path, record, parameters, macs, checkpoints };
}

async function inspectBundle(path: string): Promise<BundleInspection> {
  const { params, config, metadata } = await loadBundle(path);
  disposeParams(params);
  const recipe = readRecipe(metadata, join(path, 'kind.json'));
  return { what: 'bundle', config, counts: countKind(config), recipe: recipe ? recipeOf(recipe) : null };
}

async function inspectTensors(path: string, kind: string): Promise<TensorsInspection> {
  const file = await openTensorFile(path);
  try {
    const tensors = file.names.map((name) => {
      const { dtype, shape } = file.info(name);
      return { name, dtype, shape };
    });
    const shapes = shapesOf(isTorchPath(path) ? (orNull(() => denseTensors(file, path)) ?? file) : file);
    const layout = orNull(() => ditLayout(shapes));
    const config = layout === null ? null : configOf(shapes);
    const autoencoder = recogniseVae(shapes) ?? null;
    return { what: 'tensors', kind, tensors, metadata: file.metadata, layout, config, autoencoder };
  } finally {
    await file.close();
  }
}

const shapesOf = (file: TensorFile): NamedShapes => new Map(file.names.map((name) => [name, file.info(name)]));

const configOf = (shapes: NamedShapes) => orNull(() => inferDitConfig(shapes));

/** The result of `f`; null where it throws, because the shapes do not tell. */
function orNull<T>(f: () => T): T | null {
  try {
    return f();
  } catch {
    return null;
  }
}
