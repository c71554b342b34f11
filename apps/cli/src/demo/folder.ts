import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '@learngene/tensor-io/node';
import { UsageError } from '../cli/errors';
import type { DemoPlan } from './plan';

/** What marks a folder as a demo's, and says which one. */
const markerFile = 'demo.json';

/** All that a demo writes; nothing else is ever deleted. */
const entries = [
  markerFile,
  'bundle',
  'classifier.safetensors',
  'pretrain',
  'transfer',
  'pretraining-samples.png',
  'novel-samples.png',
  'report.html',
];

/**
 * Makes the folder of a demo ready: a new one, an interrupted one of the same plan and seed as it is, to be continued,
 * or, with `force`, a finished or different demo's, cleared.
 *
 * @returns whether an interrupted demo continues
 * @throws UsageError for a folder that holds anything else, and for a finished or different demo without `force`
 */
export async function prepareDemoFolder(
  out: string,
  plan: DemoPlan,
  { seed, force = false }: { seed: number; force?: boolean },
): Promise<boolean> {
  const marker = `${JSON.stringify({ format: 1, seed, plan })}\n`;
  const path = join(out, markerFile);
  const present = existsSync(out) ? (await readdir(out)).filter((name) => !name.startsWith('.')) : [];
  if (present.length > 0 && !present.includes(markerFile)) {
    throw new UsageError(`--out ${out}: expected a new folder or an earlier demo's, got one that holds ${present[0]}`);
  }
  const same = present.length > 0 && (await readFile(path, 'utf8')) === marker;
  if (same && !present.includes('report.html')) return true;
  if (present.length > 0 && !force) {
    const what = same ? 'a finished demo' : 'a demo of other settings';
    throw new UsageError(`--out ${out}: holds ${what}; give --force to replace it, or another --out`);
  }
  for (const name of entries) await rm(join(out, name), { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  await writeFileAtomic(path, marker);
  return false;
}
