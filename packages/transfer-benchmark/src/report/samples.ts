import { readFile } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';
import type { GalleryImage, Section } from '@learngene/report';
import type { CellResult } from '../plan/result';
import { conditionKey, conditionTitle, scopesOf } from './conditions';
import type { Grid } from './grid';
import { byMethod, methodTitle } from './methods';
import { finalValue } from './metrics';

/** The seed that most methods have a cell of; the smallest of such. */
function commonSeed(cells: readonly CellResult[]): number {
  const counts = new Map<number, number>();
  for (const { seed } of cells) counts.set(seed, (counts.get(seed) ?? 0) + 1);
  return [...counts].sort(([a, left], [b, right]) => right - left || a - b)[0][0];
}

/** A cell's grid; undefined where it is missing, or would lie outside of the cell's folder. */
async function galleryImage(grid: Grid, cell: CellResult): Promise<GalleryImage | undefined> {
  const file = normalize(cell.samples);
  if (isAbsolute(file) || file.startsWith('..') || normalize(cell.cell).startsWith('..')) return undefined;
  const png = await readFile(join(grid.folder, 'cells', cell.cell, file)).catch(() => undefined);
  const fid = finalValue(cell, 'fid');
  const note = Number.isFinite(fid) ? `FID ${fid.toFixed(1)}` : 'diverged';
  return png && { title: methodTitle(cell.method), file: `samples-${cell.task}-${cell.method}`, note, png };
}

/** The grids of one condition: all methods of one seed. */
async function gallery(grid: Grid, own: readonly CellResult[]): Promise<Section | undefined> {
  const seed = commonSeed(own);
  const shown = own.filter((cell) => cell.seed === seed).sort((a, b) => byMethod(a.method, b.method));
  const images = (await Promise.all(shown.map((cell) => galleryImage(grid, cell)))).filter((one) => one !== undefined);
  if (images.length === 0) return undefined;
  return {
    kind: 'gallery',
    title: `Samples: ${conditionTitle(own[0])}, seed ${seed}`,
    note: 'A row a class; the same classes and the same noise for all methods, each with the guidance chosen for it.',
    images,
  };
}

/** Sample grids side by side: the first condition of every dataset in the open, the others behind a click. */
export async function gallerySections(grid: Grid): Promise<Section[]> {
  const cells = grid.cells.filter(({ table }) => table === 'parameters');
  const first = new Map<string, Section>();
  const others: Section[] = [];
  for (const { conditions } of scopesOf(cells)) {
    if (conditions.length > 1) continue;
    const [condition] = conditions;
    const key = conditionKey(condition);
    const made = await gallery(
      grid,
      cells.filter((cell) => conditionKey(cell) === key),
    );
    if (made === undefined) continue;
    if (first.has(condition.dataset)) others.push(made);
    else first.set(condition.dataset, made);
  }
  return [
    ...first.values(),
    ...(others.length === 0
      ? []
      : [{ kind: 'details' as const, title: 'Samples of the other tasks', sections: others }]),
  ];
}
