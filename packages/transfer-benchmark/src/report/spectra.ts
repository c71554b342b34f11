import type { Chart, Section } from '@learngene/report';
import { lineChart, type Series } from '@learngene/report';
import { z } from 'zod';
import type { CellResult } from '../plan/result';
import { conditionTitle } from './conditions';
import type { Grid } from './grid';
import { methodFamily, methodTitle } from './methods';

const values = z.array(z.number().nullable());
const spectrumSchema = z.object({ learngenes: values, tailors: z.record(z.string(), values) });
const schema = z.record(z.string(), spectrumSchema);

/** Tailors of so many groups are drawn. */
const shown = 6;

/** A spectrum that is shown: of the first seed alone. */
interface Shown {
  title: string;
  /** Whether it stands in the open: models of the main table and their bases. */
  main: boolean;
}

const planSchema = z.object({ model: z.object({ learngeneRank: z.number(), tailorRank: z.number() }) });

/** What a key of spectra.json stands for. */
function lookUp(
  key: string,
  { cells, firstSeed, plan }: { cells: ReadonlyMap<string, CellResult>; firstSeed: number; plan: unknown },
): Shown | undefined {
  const cell = cells.get(key);
  if (cell === undefined) {
    const base = new RegExp(`^(.+)-kind-(.+)-s${firstSeed}-[0-9a-f]+$`).exec(key);
    if (base === null) return undefined;
    const { data } = planSchema.safeParse(plan);
    const ranks = data && `${data.model.learngeneRank}-${data.model.tailorRank}`;
    return { title: `pre-trained KIND, ${base[1]}, ${base[2]}`, main: ranks === undefined || base[2] === ranks };
  }
  if (cell.seed !== firstSeed || cell.table !== 'parameters' || methodFamily(cell.method) !== 'tailors')
    return undefined;
  return { title: `${methodTitle(cell.method)}, ${conditionTitle(cell)}`, main: true };
}

async function chartOf(key: string, title: string, spectrum: z.output<typeof spectrumSchema>): Promise<Chart> {
  const line = (name: string, numbers: readonly (number | null)[], strong = false): Series => ({
    name,
    strong,
    points: numbers.map((y, i) => ({ x: i + 1, y: y ?? Number.NaN })),
  });
  const groups = Object.entries(spectrum.tailors).slice(0, shown);
  const series = [
    line('learngenes', spectrum.learngenes, true),
    ...groups.map(([name, numbers]) => line(`tailors: ${name}`, numbers)),
  ];
  const [short] = title.split(' (');
  const svg = await lineChart(series, {
    title: short,
    xTitle: 'component, largest first',
    yTitle: 'singular value',
    logY: true,
    size: { width: 400, height: 230 },
    legend: 'bottom',
  });
  return {
    title: `Singular values: ${title}`,
    file: `spectrum-${key}`,
    svg,
    ...(short === title ? {} : { note: title }),
  };
}

/** The spectra of learngenes and tailors, a chart for each kind of model; none where spectra.json is missing. */
export async function spectraSections({
  spectra,
  cells,
  plan,
}: Pick<Grid, 'spectra' | 'cells' | 'plan'>): Promise<Section[]> {
  const parsed = schema.safeParse(spectra);
  if (!parsed.success) return [];
  const known = {
    cells: new Map(cells.map((cell) => [cell.cell, cell])),
    firstSeed: Math.min(...cells.map(({ seed }) => seed)),
    plan,
  };
  const [main, others]: [Chart[], Chart[]] = [[], []];
  for (const [key, spectrum] of Object.entries(parsed.data)) {
    const found = lookUp(key, known);
    if (found) (found.main ? main : others).push(await chartOf(key, found.title, spectrum));
  }
  const note = `First seed; mean over the layers. What is common is in the learngenes; a class that needs much of its own has tailors with large singular values. At most ${shown} groups of tailors are drawn.`;
  const open = { kind: 'charts' as const, title: 'Spectra of learngenes and tailors', note, charts: main };
  const closed = {
    kind: 'details' as const,
    title: 'Spectra of the other bases',
    sections: [{ kind: 'charts' as const, charts: others }],
  };
  return [...(main.length > 0 ? [open] : []), ...(others.length > 0 ? [closed] : [])];
}
