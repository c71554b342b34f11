import { readFile } from 'node:fs/promises';
import type { LayerCut } from '@learngene/adapters';
import {
  addTailors,
  type BundleChange,
  type BundleChangeOptions,
  BundleRequestError,
  baseHash,
  encodeTailors,
  type FetchPiece,
  hardenGateAsync,
  mergeBundles,
  type NamedIn,
  removeTailors,
  renameTailors,
  TailorError,
} from '@learngene/kind';
import { changeBundle, folderBundle } from '@learngene/kind/node';
import { disposeParams, type ParamTree } from '@learngene/nn';
import { ConfigError } from '../../errors';
import { classLabels } from '../../recipe/class-labels';
import { classNamesOf } from '../../recipe/class-names';
import { imageSettings } from '../../recipe/image-settings';
import { bundleMetadata, readRecipe } from '../../recipe/recipe';
import { modelPath } from '../hub/model-path';
import { expectArtifact } from '../identify';
import { type LoadedModel, loadModel } from '../load-model';
import { readKindRecord } from '../run-folder';
import { modelBase } from './model-base';
import { tailorsOfAdapter } from './tailors-of-adapter';

/** Options of {@link addToBundle}. */
export interface AddToBundleOptions {
  /** Names of the classes of a run whose groups are added (default: all). */
  readonly classes?: readonly string[];
  /** Another name for the class or the group that is added. */
  readonly as?: string;
  /** The folder of the model that an adapter was trained on (default: `transformer` of an exported folder). */
  readonly model?: string;
  /** The most components of a layer, of an adapter (default: N_t of the bundle); one of a higher rank is cut. */
  readonly tailorRank?: number;
  /** Called before weights of a run or an adapter are read; it must select a tfjs backend. */
  readonly needEngine: () => Promise<unknown>;
}

/** What {@link addToBundle} did. */
export interface AddedToBundle extends BundleChange {
  /** The layers that were cut, with the relative error of each; empty where nothing was lost. Only of an adapter. */
  readonly cut?: readonly LayerCut[];
}

/** How bundles of older versions say what changes their images: by the recipe in their metadata. */
export const RECIPE_OPTIONS: BundleChangeOptions = {
  images: (metadata) => {
    const recipe = readRecipe(metadata, 'kind.json');
    return recipe && imageSettings(recipe);
  },
};

/** A change of a bundle in its folder; what it cannot do because of what was asked, and not of damage, is a ConfigError. */
async function change(bundle: string, work: (files: FetchPiece) => Promise<BundleChange>): Promise<BundleChange> {
  try {
    return await changeBundle(bundle, work);
  } catch (error) {
    const asked = error instanceof TailorError ? error.cause : error;
    if (!(asked instanceof BundleRequestError)) throw error;
    const { message } = error as Error;
    const argument = ARGUMENTS.find((name) => message.startsWith(`${name}:`));
    throw new ConfigError(message, { ...(argument !== undefined && { argument }), cause: error });
  }
}

/** The arguments that a message of such a change may begin with. */
const ARGUMENTS = ['as', 'from', 'names', 'of', 'to'];

/** Throws a ConfigError unless a bundle is at a path. */
async function expectBundle(path: string, argument: string): Promise<void> {
  await expectArtifact(path, { option: argument, kinds: ['bundle'], expected: 'a bundle' });
}

/**
 * Adds classes to a bundle, in its folder: those of a run that was transferred from it, those of a file of tailors, or those of a
 * LoRA adapter of PEFT that was trained on its learngenes. Its other files stay as they are, and its old classes give the images
 * that they gave.
 *
 * @param bundle - the folder.
 * @param source - the run folder, the file, or the folder of the adapter.
 * @throws ConfigError for what is none of these, for an adapter that no tailors are equal to, for a class that the run has
 *   not, for a transfer to a distant domain, for tailors of another base, for names that are taken, and for a bundle with a soft
 *   gate; TailorError for damaged tailors, BundleError for a damaged bundle
 */
export async function addToBundle(bundle: string, source: string, options: AddToBundleOptions): Promise<AddedToBundle> {
  const { classes, as, model, tailorRank, needEngine } = options;
  await expectBundle(bundle, 'bundle');
  const { kind } = await expectArtifact(source, {
    option: 'source',
    kinds: ['run', 'tailors', 'adapter'],
    expected: 'a run, a file of tailors that names its base, or an adapter of PEFT',
  });
  if (kind !== 'run') refuseGiven({ classes }, 'only a run has groups to choose from');
  if (kind !== 'adapter') refuseGiven({ model, tailorRank }, 'it has a part only with an adapter of PEFT');
  const read = async (): Promise<{ tailors: Map<string, Uint8Array>; cut?: readonly LayerCut[] }> => {
    if (kind === 'tailors') return { tailors: new Map([[source, new Uint8Array(await readFile(source))]]) };
    if (kind === 'run') return { tailors: await tailorsOfRun(source, { classes, needEngine }) };
    await needEngine();
    const { file, cut } = await tailorsOfAdapter(bundle, source, { as, model, tailorRank });
    return { tailors: new Map([[source, file]]), cut };
  };
  const { tailors, cut } = await read();
  const naming = { ...RECIPE_OPTIONS, ...(as !== undefined && { as }) };
  const done = await change(bundle, (files) => addTailors(files, tailors, naming));
  return { ...done, ...(cut && { cut }) };
}

/** Throws on the first argument that is given and has no part here. */
function refuseGiven(given: Readonly<Record<string, unknown>>, why: string): void {
  const argument = Object.keys(given).find((name) => given[name] !== undefined);
  if (argument !== undefined) throw new ConfigError(`${argument}: expected none: ${why}`, { argument });
}

/** The files of the classes of a run with a soft gate: a class has the tailors of all groups, weighed by the gate. */
async function hardTailors(
  run: string,
  { model, config }: LoadedModel,
  ids: readonly number[],
): Promise<Map<string, Uint8Array>> {
  const hard = await hardenGateAsync(model);
  try {
    const hash = await baseHash(hard, bundleMetadata(config));
    const files = new Map<string, Uint8Array>();
    for (const { name, classes } of hard.config.groups) {
      if (ids.includes(classes[0])) files.set(`${run}: ${name}`, await encodeTailors(hard, name, hash));
    }
    return files;
  } finally {
    disposeParams(hard.params as unknown as ParamTree);
  }
}

/** The files of a run's tailors, by the run and the group. */
async function tailorsOfRun(
  run: string,
  { classes, needEngine }: Pick<AddToBundleOptions, 'classes' | 'needEngine'>,
): Promise<Map<string, Uint8Array>> {
  const { base, model: described } = await readKindRecord(run);
  if (base?.domain === 'distant') {
    throw new ConfigError(
      `${run}: a transfer to a distant domain retrained the shared part, so its tailors fit no other bundle; decompose it into one of its own`,
    );
  }
  const names = classNamesOf(described);
  const owner = { owner: 'the run', argument: 'classes' };
  const ids = classes === undefined ? names.map((_, id) => id) : classLabels(names, classes, owner);
  await needEngine();
  const loaded = await loadModel(run);
  const { config, params } = loaded.model;
  try {
    if (config.gate === 'soft') return await hardTailors(run, loaded, ids);
    const hash = await modelBase(run, loaded);
    const files = new Map<string, Uint8Array>();
    for (const group of config.groups) {
      if (!group.classes.some((id) => ids.includes(id))) continue;
      files.set(`${run}: ${group.name}`, await encodeTailors(loaded.model, group.name, hash));
    }
    return files;
  } finally {
    disposeParams(params);
  }
}

/**
 * Removes groups, or single classes of a group, from a bundle, in its folder.
 *
 * @param of - whether the names are of groups or of classes (default: whichever there is)
 * @throws ConfigError for a name that is not there and for a soft gate; BundleError for a damaged bundle
 */
export async function removeFromBundle(
  bundle: string,
  names: readonly string[],
  { of }: { readonly of?: NamedIn } = {},
): Promise<BundleChange> {
  await expectBundle(bundle, 'bundle');
  return change(bundle, (files) => removeTailors(files, names, { ...RECIPE_OPTIONS, of }));
}

/**
 * Renames a group or a class of a bundle, in its folder.
 *
 * @throws ConfigError for a name that is not there or is taken; BundleError for a damaged bundle
 */
export async function renameInBundle(
  bundle: string,
  names: { readonly from: string; readonly to: string; readonly of?: NamedIn },
): Promise<BundleChange> {
  await expectBundle(bundle, 'bundle');
  return change(bundle, (files) => renameTailors(files, { ...RECIPE_OPTIONS, ...names }));
}

/**
 * Adds all groups of another bundle of the same base to a bundle, in its folder; the other one, a folder or an installed npm
 * package, is only read.
 *
 * @throws ConfigError for another base, for a name that both have with other content, and for a soft gate; BundleError for a
 *   damaged bundle
 */
export async function mergeIntoBundle(bundle: string, source: string): Promise<BundleChange> {
  await expectBundle(bundle, 'bundle');
  const other = await modelPath(source, { argument: 'other' });
  await expectBundle(other, 'other');
  const from = folderBundle(other);
  return change(bundle, (files) => mergeBundles(files, from, { ...RECIPE_OPTIONS, name: other }));
}
