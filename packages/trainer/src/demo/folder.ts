import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '@learngene/pipeline';
import { writeFileAtomic } from '@learngene/tensor-io/node';
import { checkWritable } from '../new-folder';
import type { DemoPlan } from './plan';

/** What marks a folder as a demo's, and says which one. */
const MARKER = 'demo.json';

/** All that a demo writes; nothing else is ever deleted. */
const ENTRIES = [
  MARKER,
  'bundle',
  'classifier.safetensors',
  'pretrain',
  'transfer',
  'pretraining-samples.png',
  'novel-samples.png',
  'report.html',
];

/** What a folder is to a demo that is to be written there. */
export type DemoFolderState =
  | {
      /** New or empty; an interrupted demo of the same plan and seed; a finished one of them; a demo of other settings. */
      state: 'new' | 'interrupted' | 'finished' | 'different';
    }
  | {
      /** It holds what is no demo's. */
      state: 'foreign';
      /** Something that it holds. */
      entry: string;
    };

/** Looks at the folder of a demo and changes nothing. */
export async function demoFolderState(out: string, plan: DemoPlan, seed: number): Promise<DemoFolderState> {
  const present = existsSync(out) ? (await readdir(out)).filter((name) => !name.startsWith('.')) : [];
  if (present.length === 0) return { state: 'new' };
  if (!present.includes(MARKER)) return { state: 'foreign', entry: present[0] };
  if ((await readFile(join(out, MARKER), 'utf8')) !== markerOf(plan, seed)) return { state: 'different' };
  return { state: present.includes('report.html') ? 'finished' : 'interrupted' };
}

function markerOf(plan: DemoPlan, seed: number): string {
  return `${JSON.stringify({ format: 1, seed, plan })}\n`;
}

/** The options of {@link prepareDemoFolder}. */
export interface DemoFolderOptions {
  /** Seed of the demo. */
  seed: number;
  /** Whether a finished demo, or one of other settings, may be replaced (default false). */
  replace?: boolean;
}

/**
 * Makes the folder of a demo ready: a new one, an interrupted demo's as it is, or one whose demo is cleared away.
 *
 * @returns whether an interrupted demo continues
 * @throws ConfigError for a folder that holds anything else, and for a finished or different demo without `replace`
 */
export async function prepareDemoFolder(
  out: string,
  plan: DemoPlan,
  { seed, replace = false }: DemoFolderOptions,
): Promise<boolean> {
  const found = await demoFolderState(out, plan, seed);
  if (found.state === 'interrupted') return true;
  if (found.state === 'foreign') {
    throw new ConfigError(`${out}: expected a new folder or an earlier demo's, got one that holds ${found.entry}`);
  }
  if (found.state !== 'new' && !replace) {
    const what = found.state === 'finished' ? 'a finished demo' : 'a demo of other settings';
    throw new ConfigError(`${out}: holds ${what}, which may not be replaced`);
  }
  checkWritable(out);
  for (const name of ENTRIES) await rm(join(out, name), { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  await writeFileAtomic(join(out, MARKER), markerOf(plan, seed));
  return false;
}
