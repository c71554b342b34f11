import { hashBase } from './base-hash';
import { type BundleChangeOptions, checkChangeOptions, withImages } from './bundle-change';
import { BundleError, messageOf } from './bundle-error';
import { type FetchPiece, fetchLearngenes, fetchManifest, fetchShared, fetchTailors } from './fetch-bundle';
import { MANIFEST_FILE } from './file-names';
import { tailorLabel } from './tailor-file';

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
 * Checks all of a bundle: kind.json, size and SHA-256 of every file, names, dtypes and shapes, the hash of the base, and what the
 * files of tailors say of themselves. Unlike `openBundle` it goes on after a fault, and it makes no tensor.
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
  const manifest = await attempt(MANIFEST_FILE, () => fetchManifest(fetchPiece, options.network));
  if (manifest === undefined) return { base: undefined, problems };
  const { config } = manifest;
  const learngenes = await attempt(manifest.learngenes.file, () => fetchLearngenes(fetchPiece, manifest));
  const shared = await attempt(manifest.shared.file, () => fetchShared(fetchPiece, manifest));
  const { images } = withImages(manifest.metadata, options);
  const base = learngenes && shared && (await hashBase({ config, learngenes, shared, images }));
  if (base !== undefined && manifest.base !== undefined && base !== manifest.base) {
    problems.push({ file: MANIFEST_FILE, problem: `base: expected ${base}, as the files have, got ${manifest.base}` });
  }
  for (const [i, group] of config.groups.entries()) {
    const { file } = manifest.tailors[i];
    const tailors = await attempt(file, () => fetchTailors(fetchPiece, manifest, group));
    if (tailors?.label === undefined) continue;
    const { group: named } = tailors.label;
    const expected = tailorLabel(group, manifest.base ?? '', config).group;
    if (JSON.stringify(named) === JSON.stringify(expected)) continue;
    problems.push({
      file,
      problem: `group: expected '${group.name}', its classes and its rank, as kind.json says, got others`,
    });
  }
  return { base, problems };
}
