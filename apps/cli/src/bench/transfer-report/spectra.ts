import { z } from 'zod';
import { lineChart, type Series } from '../../report/charts';
import type { Chart, Section } from '../../report/sections';
import type { CellResult } from '../transfer/result';
import { conditionTitle } from './conditions';
import type { Grid } from './grid';
import { methodFamily, methodTitle } from './methods';

const values = z.array(z.number().nullable());
const spectrumSchema = z.object({ learngenes: values, tailors: z.record(z.string(), values) });
const schema = z.record(z.string(), spectrumSchema);

/** Tailors of so many groups are drawn. */
const shown = 6;

/** What a spectrum of spectra.json is of, where it is to be shown: models of the first seed alone, one of each kind. */
function titleOf(key: string, cells: ReadonlyMap<string, CellResult>, firstSeed: number): string | undefined {
  const cell = cells.get(key);
  if (cell === undefined) return key.includes(`-s${firstSeed}-`) && key.includes('-kind-') ? `base ${key}` : undefined;
  if (cell.table !== 'parameters' || cell.seed !== firstSeed || methodFamily(cell.method) !== 'tailors')
    return undefined;
  return `${methodTitle(cell.method)}, ${conditionTitle(cell)}`;
}

/** The spectra of learngenes and tailors, a chart for each kind of model; none where spectra.json is missing. */
export async function spectraSections({ spectra, cells }: Pick<Grid, 'spectra' | 'cells'>): Promise<Section[]> {
  const parsed = schema.safeParse(spectra);
  if (!parsed.success) return [];
  const byKey = new Map(cells.map((cell) => [cell.cell, cell]));
  const firstSeed = Math.min(...cells.map(({ seed }) => seed));
  const charts: Chart[] = [];
  for (const [key, { learngenes, tailors }] of Object.entries(parsed.data)) {
    const title = titleOf(key, byKey, firstSeed);
    if (title === undefined) continue;
    const line = (name: string, numbers: readonly (number | null)[], strong = false): Series => ({
      name,
      strong,
      points: numbers.map((y, i) => ({ x: i + 1, y: y ?? Number.NaN })),
    });
    const groups = Object.entries(tailors).slice(0, shown);
    const series = [
      line('learngenes', learngenes, true),
      ...groups.map(([name, numbers]) => line(`tailors: ${name}`, numbers)),
    ];
    const labels = { xTitle: 'component, largest first', yTitle: 'singular value, mean over layers' };
    const size = { width: 400, height: 230 };
    const svg = await lineChart(series, { title: title.split(' (')[0], ...labels, logY: true, size, legend: 'bottom' });
    charts.push({ title: `Singular values: ${title}`, file: `spectrum-${key}`, svg, note: title });
  }
  if (charts.length === 0) return [];
  return [
    {
      kind: 'charts',
      title: 'Spectra of learngenes and tailors',
      note: `First seed. What is common is in the learngenes; a class that needs much of its own has tailors with large singular values. At most ${shown} groups of tailors are drawn.`,
      charts,
    },
  ];
}
