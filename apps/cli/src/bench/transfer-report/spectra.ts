import { z } from 'zod';
import { lineChart, type Series } from '../../report/charts';
import type { Chart, Section } from '../../report/sections';

const values = z.array(z.number().nullable());
const schema = z.record(z.string(), z.object({ learngenes: values, tailors: z.record(z.string(), values) }));

const shown = 6;

/** The spectra of learngenes and tailors, a chart for each model of spectra.json; none where it is missing. */
export async function spectraSections(spectra: unknown): Promise<Section[]> {
  const parsed = schema.safeParse(spectra);
  if (!parsed.success) return [];
  const charts: Chart[] = [];
  for (const [model, { learngenes, tailors }] of Object.entries(parsed.data)) {
    const line = (name: string, numbers: readonly (number | null)[], strong = false): Series => ({
      name,
      strong,
      points: numbers.map((y, i) => ({ x: i + 1, y: y ?? Number.NaN })),
    });
    const groups = Object.entries(tailors).slice(0, shown);
    const title = `Singular values, ${model}`;
    charts.push({
      title,
      file: `spectrum-${model}`,
      svg: await lineChart(
        [line('learngenes', learngenes, true), ...groups.map(([name, numbers]) => line(`tailors of ${name}`, numbers))],
        {
          title,
          xTitle: 'component, largest first',
          yTitle: 'singular value, mean over layers',
          logY: true,
          size: { width: 400, height: 230 },
          legend: 'bottom',
        },
      ),
    });
  }
  if (charts.length === 0) return [];
  return [
    {
      kind: 'charts',
      title: 'Spectra of learngenes and tailors',
      note: 'What is common is in the learngenes; a class that needs much of its own has tailors with large singular values.',
      charts,
    },
  ];
}
