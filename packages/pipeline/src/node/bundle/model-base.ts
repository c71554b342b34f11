import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { baseHash } from '@learngene/kind';
import { readBundleManifest } from '@learngene/kind/node';
import { bundleMetadata } from '../../recipe/recipe';
import type { LoadedModel } from '../load-model';
import { readKindRecord } from '../run-folder';

/**
 * The hash of the base of a run or a bundle: of its learngenes, its shared part, and what of its recipe changes images. A
 * bundle, and a run that was transferred to a near domain, keep the hash; else it is computed.
 *
 * @param path - the run or the bundle.
 * @param loaded - what was loaded from it; no tailors are needed.
 */
export async function modelBase(path: string, { model, config }: LoadedModel): Promise<string> {
  const kept = existsSync(join(path, 'kind.json')) ? (await readBundleManifest(path)).base : await baseOfRun(path);
  return kept ?? baseHash(model, bundleMetadata(config));
}

async function baseOfRun(path: string): Promise<string | undefined> {
  const { base } = await readKindRecord(path);
  return base?.domain === 'near' ? base.hash : undefined;
}
