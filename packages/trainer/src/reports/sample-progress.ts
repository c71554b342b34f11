import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageTableSection } from '@learngene/report';
import { gridRows } from '@learngene/report/node';

/** The first real pictures of the classes of a run's grids, a row a class. */
export const REALS_FILE = 'reals.png';

/** Rows and columns of the grids of a run. */
export const GRID_CLASSES = 8;
export const GRID_COLUMNS = 8;

/** A grid of samples. */
export interface SampleGrid {
  /** Steps that were done when it was drawn. */
  step: number;
  /** The bytes of a PNG file. */
  png: Uint8Array;
}

/** The sample grids of a run that were drawn while it trained, the first one first. */
export async function sampleGrids(run: string): Promise<SampleGrid[]> {
  const names = (await readdir(join(run, 'samples')).catch(() => [])).filter((name) => name.endsWith('.png'));
  const grids = names.map(async (name) => ({
    step: Number(/\d+/.exec(name)?.[0] ?? 0),
    png: await readFile(join(run, 'samples', name)),
  }));
  return (await Promise.all(grids)).sort((a, b) => a.step - b.step);
}

/** Images of a class that a column of the table shows. */
const TAKE = 3;

/** The most steps that are shown. */
const MOST_STEPS = 6;

/** The first, the last, and as many between as there is room for, evenly spread. */
function spreadOut<T>(items: readonly T[], most: number): T[] {
  if (items.length <= most) return [...items];
  return Array.from({ length: most }, (_, i) => items[Math.round((i * (items.length - 1)) / (most - 1))]);
}

/** The grids of a run, and what their rows are. */
export interface GridLayout {
  /** Pixels of a sample. */
  width: number;
  /** Pixels of a sample. */
  height: number;
  /** Samples of a row. */
  columns: number;
  /** What the rows are, from top to bottom; more names than rows do no harm. */
  names: readonly string[];
}

/** A column of pictures: a heading, and a picture for each row. */
export interface PictureColumn {
  /** The heading. */
  title: string;
  /** The pictures, from top to bottom. */
  rows: readonly Uint8Array[];
}

/** The rows of a grid as a column of a table. */
export async function gridColumn(title: string, png: Uint8Array, layout: GridLayout): Promise<PictureColumn> {
  const { width, height, columns } = layout;
  return { title, rows: await gridRows(png, { width, height, columns, take: Math.min(TAKE, columns) }) };
}

/** The real pictures of a run as a column; none where the run keeps none. */
export async function realColumn(run: string, layout: GridLayout): Promise<PictureColumn[]> {
  const path = join(run, REALS_FILE);
  if (!existsSync(path)) return [];
  return [await gridColumn('real pictures', await readFile(path), layout)];
}

/** Columns of pictures as a table whose rows have names. */
export function pictureTable(
  columns: readonly PictureColumn[],
  names: readonly string[],
  { title, note }: Pick<ImageTableSection, 'title' | 'note'>,
): ImageTableSection[] {
  const count = Math.max(0, ...columns.map(({ rows }) => rows.length));
  if (count === 0) return [];
  const rows = names.slice(0, count).map((name, i) => ({ name, images: columns.map((column) => column.rows[i]) }));
  const header = ['class', ...columns.map((column) => column.title)];
  return [{ kind: 'image-table', title, ...(note !== undefined && { note }), header, rows }];
}

/** How the samples of a run became what they are, beside real pictures; nothing where no grid was drawn. */
export async function progressSection(
  run: string,
  layout: GridLayout,
  title = 'Samples while it trained',
): Promise<ImageTableSection[]> {
  const grids = spreadOut(await sampleGrids(run), MOST_STEPS);
  if (grids.length === 0) return [];
  const drawn = await Promise.all(
    grids.map(({ step, png }) => gridColumn(`step ${step.toLocaleString('en-US')}`, png, layout)),
  );
  const columns = [...drawn, ...(await realColumn(run, layout))];
  return pictureTable(columns, layout.names, {
    title,
    note: 'Each step draws from the same noise, with the averaged weights.',
  });
}
