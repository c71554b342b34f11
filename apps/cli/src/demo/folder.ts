import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '@learngene/tensor-io/node';
import { UsageError } from '../cli/errors';
import type { DemoPlan } from './plan';

/** What marks a folder as a demo's, and says which one. */
const MARKER_FILE = 'demo.json';

/** All that a demo writes; nothing else is ever deleted. */
const ENTRIES = [
  MARKER_FILE,
  'bundle',
  'classifier.safetensors',
  'pretrain',
  'transfer',
  'pretraining-samples.png',
  'novel-samples.png',
  'report.html',
];

/** The seed of a demo, and whether a finished or different demo may be replaced. */
export interface DemoFolderOptions {
  seed: number;
  force?: boolean;
}

function markerOf(plan: DemoPlan, seed: number): string {
  return `${JSON.stringify({ format: 1, seed, plan })}\n`;
}

/**
 * Checks the folder of a demo and changes nothing: it may be new, hold an interrupted demo of the same plan and seed or,
 * with `force`, a finished or different one.
 *
 * @returns whether an interrupted demo continues
 * @throws UsageError for a folder that holds anything else, and for a finished or different demo without `force`
 */
export async function checkDemoFolder(
  out: string,
  plan: DemoPlan,
  { seed, force = false }: DemoFolderOptions,
): Promise<boolean> {
  const present = existsSync(out) ? (await readdir(out)).filter((name) => !name.startsWith('.')) : [];
  if (present.length > 0 && !present.includes(MARKER_FILE)) {
    throw new UsageError(`--out ${out}: expected a new folder or an earlier demo's, got one that holds ${present[0]}`);
  }
  const same = present.length > 0 && (await readFile(join(out, MARKER_FILE), 'utf8')) === markerOf(plan, seed);
  if (same && !present.includes('report.html')) return true;
  if (present.length > 0 && !force) {
    const what = same ? 'a finished demo' : 'a demo of other settings';
    throw new UsageError(`--out ${out}: holds ${what}; give --force to replace it, or another --out`);
  }
  return false;
}

/**
 * Makes the folder of a demo ready as {@link checkDemoFolder} allows: a new one, an interrupted demo's as it is, or one whose
 * demo is cleared away.
 *
 * @returns whether an interrupted demo continues
 * @throws UsageError as {@link checkDemoFolder}
 */
export async function prepareDemoFolder(out: string, plan: DemoPlan, options: DemoFolderOptions): Promise<boolean> {
  if (await checkDemoFolder(out, plan, options)) return true;
  for (const name of ENTRIES) await rm(join(out, name), { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  await writeFileAtomic(join(out, MARKER_FILE), markerOf(plan, options.seed));
  return false;
}
