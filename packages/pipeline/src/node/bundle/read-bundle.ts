import { listNames } from '@learngene/datasets';
import {
  BundleError,
  type BundleManifest,
  type BundleProblem,
  type BundleVerification,
  verifyBundle,
} from '@learngene/kind';
import { folderBundle, readBundleManifest } from '@learngene/kind/node';
import { counted } from '../../counted';
import { classNamesOf } from '../../recipe/class-names';
import { readRecipe } from '../../recipe/recipe';
import { bundleFiles } from '../bundle-files';
import { modelPath } from '../hub/model-path';
import { expectArtifact } from '../identify';
import type { Rows } from '../inspect/inspection-rows';
import { RECIPE_OPTIONS } from './change-bundle';

/** A group of a bundle. */
export interface ListedGroup {
  /** Its name. */
  readonly name: string;
  /** The names of its classes, in the order of their rows. */
  readonly classes: readonly string[];
  /** The file of its tailors. */
  readonly file: string;
  /** The size of the file. */
  readonly bytes: number;
}

/** What a bundle holds, by its kind.json. */
export interface BundleList {
  /** Hash of the base; null for a bundle of an older version, until it is changed. */
  readonly base: string | null;
  /** Bytes that all classes share: learngenes and shared part. */
  readonly baseBytes: number;
  /** The groups in their order. */
  readonly groups: readonly ListedGroup[];
  /** All of it as rows of a name and a value, for a table. */
  readonly rows: Rows;
}

/** Kibibytes for people. */
const size = (bytes: number) => `${(bytes / 1024).toFixed(1)} KiB`;

/** Lists the groups and classes of a bundle, in its folder or an installed npm package; reads kind.json alone. */
export async function listBundle(source: string): Promise<BundleList> {
  const bundle = await modelPath(source, { argument: 'bundle' });
  await expectArtifact(bundle, { option: 'bundle', kinds: ['bundle'], expected: 'a bundle' });
  const { config, base = null, files } = await readBundleManifest(bundle);
  const names = classNamesOf(config);
  const groups = config.groups.map(({ name, classes }, i) => {
    const { file, bytes } = files.tailors[i];
    return { name, classes: classes.map((id) => names[id]), file, bytes };
  });
  const baseBytes = files.learngenes.bytes + files.shared.bytes;
  const rows: Rows = [
    ['base', `${base ?? 'not known, computed at the next change'}, ${size(baseBytes)}`],
    ...groups.map(({ name, classes, file, bytes }): [string, string] => {
      const others = classes.length === 1 && classes[0] === name ? '' : `${listNames(classes, 40)}, `;
      return [name, `${others}${size(bytes)}, ${file}`];
    }),
  ];
  return { base, baseBytes, groups, rows };
}

/** Result of {@link checkBundle}. */
export interface BundleCheck extends BundleVerification {
  /** Files that kind.json does not name, such as those that a process left that was killed; they do no harm. */
  readonly strays: readonly string[];
  /** All of it as rows of a name and a value, for a table. */
  readonly rows: Rows;
}

/**
 * Checks every file of a bundle, in its folder or an installed npm package: the hash of its base, and that its recipe is the one
 * that the hash holds.
 *
 * @returns all that is wrong, and files that do not belong
 */
export async function checkBundle(source: string): Promise<BundleCheck> {
  const bundle = await modelPath(source, { argument: 'bundle' });
  await expectArtifact(bundle, { option: 'bundle', kinds: ['bundle'], expected: 'a bundle' });
  const { base, problems: found } = await verifyBundle(folderBundle(bundle), RECIPE_OPTIONS);
  const manifest = await readBundleManifest(bundle).catch(() => undefined);
  const problems = manifest === undefined ? found : [...found, ...recipeProblems(manifest.metadata)];
  const strays = manifest === undefined ? [] : await strayFiles(bundle, manifest);
  const groups = manifest?.config.groups.length ?? 0;
  const rows: Rows = [
    ...problems.map(({ file, problem }): [string, string] => [file, problem]),
    ...strays.map((file): [string, string] => [file, 'not named by kind.json; it may be deleted']),
    ...(problems.length > 0 ? [] : [[bundle, `sound: ${counted(groups, 'group')}, base ${base}`] as const]),
  ];
  return { base, problems, strays, rows };
}

/** Files that kind.json does not name. */
async function strayFiles(bundle: string, { files }: BundleManifest): Promise<string[]> {
  const named = new Set(['kind.json', ...[files.learngenes, files.shared, ...files.tailors].map(({ file }) => file)]);
  const there = (await bundleFiles(bundle)).map(({ file }) => file.replaceAll('\\', '/'));
  return there.filter((file) => !named.has(file));
}

function recipeProblems(metadata: Readonly<Record<string, string>>): BundleProblem[] {
  const file = 'kind.json';
  try {
    readRecipe(metadata, file);
    return [];
  } catch (error) {
    return [{ file, problem: error instanceof BundleError ? error.problem : (error as Error).message }];
  }
}
