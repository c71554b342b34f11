import type { DitConfig } from '@learngene/dit';
import {
  type BundleModel,
  type DenseModel,
  type FetchPiece,
  type KindConfig,
  type KindModel,
  openBundle,
  openBundleManifest,
} from '@learngene/kind';
import { cloneParams } from '@learngene/nn';
import { ConfigError } from '../errors';
import { classNamesOf } from '../recipe/class-names';
import { type Recipe, readRecipe } from '../recipe/recipe';
import { type DiffusionModel, isKindModel } from '../sample/guided-denoiser';

/** A model in memory, with what is needed to sample from it. */
export type LoadedSource =
  | {
      /** Learngenes and tailors; not disposed. */
      readonly model: KindModel;
      /** How images are sampled from it, e.g. `loadModel(run).config`. */
      readonly recipe: Recipe;
    }
  | {
      /** A plain DiT; not disposed. */
      readonly model: DenseModel;
      /** How images are sampled from it. */
      readonly recipe: Recipe;
      /** The name of every class, by class id. */
      readonly classNames: readonly string[];
    };

/** The description of a model, without its weights. */
export interface ModelSource {
  /** The name of every class, by class id. */
  readonly classNames: readonly string[];
  /** The shapes of the network. */
  readonly dit: DitConfig;
  /** Groups, gate and ranks, of a model of learngenes and tailors. */
  readonly kind?: KindConfig;
  /** How images are sampled from it. */
  readonly recipe: Recipe;
  /** Names of the groups whose tailors can be loaded (default: all). */
  readonly groups?: readonly string[];
  /**
   * Reads the weights, with the tailors of all groups or of the named ones. The caller disposes them. Needs a tfjs
   * backend.
   */
  load(groups?: readonly string[]): Promise<DiffusionModel>;
}

/** A bundle whose files a function returns. Only kind.json is fetched now. */
export async function bundleSource(fetchPiece: FetchPiece): Promise<ModelSource> {
  let manifest: Uint8Array | undefined;
  const fetchOnce: FetchPiece = async (file, expected) => {
    if (file !== 'kind.json') return fetchPiece(file, expected);
    manifest ??= await fetchPiece(file, expected);
    return manifest;
  };
  const { config, metadata } = await openBundleManifest(fetchOnce);
  const load = async (groups?: readonly string[]) => {
    const { config, params } = await openBundle(fetchOnce, groups === undefined ? {} : { groups });
    return { config, params };
  };
  return { ...kindParts(config), recipe: bundleRecipe(metadata), load };
}

/** A model in memory. It is not disposed; models that are loaded from it share its values. */
export function memorySource(source: BundleModel | LoadedSource): ModelSource {
  if ('params' in source) {
    return loadedKind({ config: source.config, params: source.params }, bundleRecipe(source.metadata));
  }
  const { model, recipe } = source;
  if (typeof recipe !== 'object' || recipe === null || !('diffusion' in recipe && 'sampling' in recipe)) {
    throw new ConfigError('source.recipe: expected the recipe of the model, { diffusion, sampling, ... }, got none');
  }
  if (isKindModel(model)) return loadedKind(model, recipe);
  const { classNames } = source as Extract<LoadedSource, { classNames: unknown }>;
  const { config, params } = model;
  if (!Array.isArray(classNames) || classNames.length !== config.classes) {
    const got = Array.isArray(classNames) ? `${classNames.length}` : 'none';
    throw new ConfigError(`source.classNames: expected the names of the model's ${config.classes} classes, got ${got}`);
  }
  return { classNames, dit: config, recipe, load: async () => ({ config, params: cloneParams(params) }) };
}

function loadedKind({ config, params }: KindModel, recipe: Recipe): ModelSource {
  const groups = config.groups.map(({ name }) => name).filter((name) => Object.hasOwn(params.tailors, name));
  return {
    ...kindParts(config),
    recipe,
    ...(groups.length < config.groups.length && { groups }),
    load: async () => ({ config, params: cloneParams(params) }),
  };
}

function kindParts(config: KindConfig) {
  return { classNames: classNamesOf(config), dit: config.dit, kind: config };
}

function bundleRecipe(metadata: Readonly<Record<string, string>>): Recipe {
  const recipe = readRecipe(metadata, 'kind.json');
  if (recipe !== undefined) return recipe;
  throw new ConfigError(
    'kind.json: expected metadata.config, the recipe of the model (process, sampler, guidance), got none; give { model, recipe }',
  );
}
