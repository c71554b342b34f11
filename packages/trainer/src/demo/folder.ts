import { existsSync, statSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageDataset } from '@learngene/datasets';
import { ConfigError } from '@learngene/pipeline';
import { changedImages, type ImageRecord, imageRecord } from '@learngene/pipeline/node';
import { writeFileAtomic } from '@learngene/tensor-io/node';
import { checkParents, checkWritable } from '../new-folder';
import { checkOldRun } from '../run-folder/create-run';
import type { DemoPlan } from './plan';

/** What marks a folder as a demo's, and says which one. */
const MARKER = 'demo.json';

/** All that a demo writes; nothing else is ever deleted. */
const ENTRIES = [
  MARKER,
  'bundle',
  'classifier.safetensors',
  'classifier-stopped.safetensors',
  'pretrain',
  'transfer',
  'pretraining-samples.png',
  'novel-samples.png',
  'report.html',
];

/** What a folder is to a demo that is to be written there. */
export type DemoFolderState =
  | {
      /**
       * New, empty or with no more than the mark of a demo that ended before its first stage; an interrupted demo of the same plan
       * and seed; a finished one of them; a demo of other settings.
       */
      state: 'new' | 'interrupted' | 'finished' | 'different';
      /** Of a demo of the same plan and seed that is different: how the images differ. */
      images?: string;
    }
  | {
      /** It holds what is no demo's. */
      state: 'foreign';
      /** Something that it holds. */
      entry: string;
    };

/**
 * Looks at the folder of a demo and changes nothing.
 *
 * @param images - the images of all classes: an interrupted demo of others is a different one.
 */
export async function demoFolderState(
  out: string,
  plan: DemoPlan,
  seed: number,
  images?: ImageDataset,
): Promise<DemoFolderState> {
  const present = existsSync(out) ? (await readdir(out)).filter((name) => !name.startsWith('.')) : [];
  if (present.every((name) => name === MARKER)) return { state: 'new' };
  if (!present.includes(MARKER)) return { state: 'foreign', entry: present[0] };
  const { images: kept, ...marked } = await readMarker(out);
  if (JSON.stringify(marked) !== JSON.stringify(markerOf(plan, seed))) return { state: 'different' };
  if (present.includes('report.html')) return { state: 'finished' };
  const changed = kept && images ? changedImages(images, kept) : [];
  if (changed.length > 0) return { state: 'different', images: changed.join('; ') };
  return { state: 'interrupted' };
}

/** What the mark of a demo says; of a damaged one nothing. */
async function readMarker(out: string): Promise<{ images?: ImageRecord }> {
  try {
    return { ...(JSON.parse(await readFile(join(out, MARKER), 'utf8')) as object) };
  } catch {
    return {};
  }
}

function markerOf(plan: DemoPlan, seed: number): object {
  return JSON.parse(JSON.stringify({ format: 1, seed, plan })) as object;
}

/** The options of {@link checkDemoFolder}. */
export interface DemoFolderOptions {
  /** Seed of the demo. */
  seed: number;
  /** Whether a finished demo, or one of other settings or images, may be replaced (default false). */
  replace?: boolean;
  /** The images of all classes, to compare with those that an interrupted demo was started on. */
  images?: ImageDataset;
}

/**
 * Checks a folder before any work is done in it, and changes nothing.
 *
 * @returns what the folder is to the demo
 * @throws ConfigError for a folder that holds anything else, and for a finished or different demo without `replace`; Error for
 *   one that may not be written
 */
export async function checkDemoFolder(
  out: string,
  plan: DemoPlan,
  { seed, replace = false, images }: DemoFolderOptions,
): Promise<DemoFolderState['state']> {
  const argument = 'out';
  checkParents(out, argument);
  if (existsSync(out) && !statSync(out).isDirectory()) {
    throw new ConfigError(`${argument} ${out}: expected a folder, this is a file`, { argument });
  }
  const found = await demoFolderState(out, plan, seed, images);
  if (found.state === 'foreign') {
    const message = `${argument} ${out}: expected a new folder or an earlier demo's, got one that holds ${found.entry}`;
    throw new ConfigError(message, { argument });
  }
  if ((found.state === 'finished' || found.state === 'different') && !replace) {
    const others = found.images === undefined ? 'settings' : `images (${found.images})`;
    const what = found.state === 'finished' ? 'a finished demo' : `a demo of other ${others}`;
    const message = `${argument} ${out}: holds ${what}, which may not be replaced`;
    throw new ConfigError(message, { argument, code: 'demo-exists' });
  }
  checkWritable(out);
  for (const run of ['pretrain', 'transfer'].map((name) => join(out, name))) if (existsSync(run)) checkOldRun(run);
  return found.state;
}

/**
 * Makes the folder of a demo ready: a new one, an interrupted demo's as it is, or one whose demo is cleared away.
 *
 * @returns whether an interrupted demo continues
 * @throws as {@link checkDemoFolder}
 */
export async function prepareDemoFolder(out: string, plan: DemoPlan, options: DemoFolderOptions): Promise<boolean> {
  if ((await checkDemoFolder(out, plan, options)) === 'interrupted') return true;
  for (const name of ENTRIES) await rm(join(out, name), { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  const { seed, images } = options;
  const marker = { ...markerOf(plan, seed), ...(images && { images: imageRecord(images) }) };
  await writeFileAtomic(join(out, MARKER), `${JSON.stringify(marker)}\n`);
  return false;
}
