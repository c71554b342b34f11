import { readFile } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';
import type { GalleryImage, Section } from '@learngene/report';
import type { TrialResult } from '../plan/result';
import { conditionKey, conditionTitle, dataTitle, scopesOf } from './conditions';
import { byMethod, methodTitle } from './methods';
import { finalValue } from './metrics';
import type { Results } from './read-results';

/** The seed of which most methods have a trial; of several, the smallest. */
function commonSeed(trials: readonly TrialResult[]): number {
  const counts = new Map<number, number>();
  for (const { seed } of trials) counts.set(seed, (counts.get(seed) ?? 0) + 1);
  return [...counts].sort(([a, left], [b, right]) => right - left || a - b)[0][0];
}

/** A trial's grid of samples; undefined where it is missing, or would lie outside of the trial's folder. */
async function galleryImage(results: Results, trial: TrialResult): Promise<GalleryImage | undefined> {
  const file = normalize(trial.samples);
  const folder = results.folders.get(trial.trial);
  if (isAbsolute(file) || file.startsWith('..') || folder === undefined) return undefined;
  const png = await readFile(join(results.folder, folder, file)).catch(() => undefined);
  const fid = finalValue(trial, 'fid');
  const note = Number.isFinite(fid) ? `FID ${fid.toFixed(1)}` : 'diverged';
  return png && { title: methodTitle(trial.method), file: `samples-${trial.task}-${trial.method}`, note, png };
}

/** The grids of one condition: all methods of one seed. */
async function gallery(results: Results, own: readonly TrialResult[]): Promise<Section | undefined> {
  const seed = commonSeed(own);
  const shown = own.filter((trial) => trial.seed === seed).sort((a, b) => byMethod(a.method, b.method));
  const images = (await Promise.all(shown.map((trial) => galleryImage(results, trial)))).filter(
    (one) => one !== undefined,
  );
  if (images.length === 0) return undefined;
  return {
    kind: 'gallery',
    title: `Samples: ${conditionTitle(own[0])}, seed ${seed}`,
    note: 'A row a class; the same classes and the same noise for all methods, each with the guidance chosen for it.',
    images,
  };
}

/** Sample grids side by side: the first condition of every dataset in the open, of its latents too, the others behind a click. */
export async function gallerySections(results: Results): Promise<Section[]> {
  const trials = results.trials.filter(({ table }) => table === 'iso-parameters');
  const first = new Map<string, Section>();
  const others: Section[] = [];
  for (const { conditions } of scopesOf(trials)) {
    if (conditions.length > 1) continue;
    const [condition] = conditions;
    const key = conditionKey(condition);
    const made = await gallery(
      results,
      trials.filter((trial) => conditionKey(trial) === key),
    );
    if (made === undefined) continue;
    const data = dataTitle(condition);
    if (first.has(data)) others.push(made);
    else first.set(data, made);
  }
  return [
    ...first.values(),
    ...(others.length === 0
      ? []
      : [{ kind: 'details' as const, title: 'Samples of the other tasks', sections: others }]),
  ];
}
