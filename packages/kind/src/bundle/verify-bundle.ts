import { hashBase } from './base-hash';
import { type BundleChangeOptions, checkChangeOptions, withImages } from './bundle-change';
import { BundleError, messageOf } from './bundle-error';
import {
  checkChecksum,
  type FetchPiece,
  fetchLearngenes,
  fetchShared,
  fetchTailors,
  fetchUnsealed,
} from './fetch-bundle';
import { MANIFEST_FILE } from './file-names';

/** What is wrong with a file of a bundle. */
export interface BundleProblem {
  /** Name of the file inside the bundle. */
  readonly file: string;
  /** What is wrong. */
  readonly problem: string;
}

/** Result of {@link verifyBundle}. */
export interface BundleVerification {
  /** Hash of the base as computed; undefined where learngenes or shared part cannot be read. */
  readonly base: string | undefined;
  /** All that is wrong; empty for a sound bundle. */
  readonly problems: readonly BundleProblem[];
}

/**
 * Checks all of a bundle: kind.json and its checksum, size and SHA-256 of every file, names, dtypes, shapes and numbers, the hash of
 * the base, and what the files of tailors say of themselves. Unlike `openBundle` it goes on after a fault, and it makes no tensor.
 */
export async function verifyBundle(
  fetchPiece: FetchPiece,
  options: BundleChangeOptions = {},
): Promise<BundleVerification> {
  checkChangeOptions('verifyBundle', options);
  const problems: BundleProblem[] = [];
  const attempt = async <T>(file: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      const found = error instanceof BundleError ? error : { file, problem: messageOf(error) };
      problems.push({ file: found.file, problem: found.problem });
      return undefined;
    }
  };
  const fetched = await attempt(MANIFEST_FILE, () => fetchUnsealed(fetchPiece, options.network));
  if (fetched === undefined) return { base: undefined, problems };
  const { manifest, bytes } = fetched;
  const { config } = manifest;
  await attempt(MANIFEST_FILE, () => checkChecksum(manifest, bytes));
  const learngenes = await attempt(manifest.learngenes.file, () => fetchLearngenes(fetchPiece, manifest));
  const shared = await attempt(manifest.shared.file, () => fetchShared(fetchPiece, manifest));
  const { images } = withImages(manifest.metadata, options);
  const base = learngenes && shared && (await hashBase({ config, learngenes, shared, images }));
  if (base !== undefined && manifest.base !== undefined && base !== manifest.base) {
    problems.push({ file: MANIFEST_FILE, problem: `base: expected ${base}, as the files have, got ${manifest.base}` });
  }
  for (const [i, group] of config.groups.entries()) {
    await attempt(manifest.tailors[i].file, () => fetchTailors(fetchPiece, manifest, group));
  }
  return { base, problems };
}
