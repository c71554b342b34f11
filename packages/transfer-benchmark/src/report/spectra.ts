import type { Chart, Section } from '@learngene/report';
import { lineChart, type Series } from '@learngene/report';
import { z } from 'zod';
import { inLatents } from '../data/latents';
import { specName } from '../plan/base-spec';
import type { TrialResult } from '../plan/result';
import { conditionTitle, dataTitle } from './conditions';
import { methodFamily, methodTitle } from './methods';
import type { Results } from './read-results';

const values = z.array(z.number().nullable());
const spectrumSchema = z.object({ learngenes: values, tailors: z.record(z.string(), values) });
const schema = z.record(z.string(), spectrumSchema);

/** The groups whose tailors are drawn. */
const SHOWN_GROUPS = 6;

/** A model whose spectrum is shown: one of the first seed. */
interface Shown {
  title: string;
  /** Whether it is shown without a click: models of the main table and their bases. */
  main: boolean;
}

/** The model of a key of spectra.json, where it is shown. */
function shownModel(
  key: string,
  { trials, firstSeed, jobs }: { trials: ReadonlyMap<string, TrialResult>; firstSeed: number } & Pick<Results, 'jobs'>,
): Shown | undefined {
  const trial = trials.get(key);
  if (trial !== undefined) {
    if (trial.seed !== firstSeed || trial.table !== 'iso-parameters') return undefined;
    if (methodFamily(trial.method) !== 'tailors') return undefined;
    return { title: `${methodTitle(trial.method)}, ${conditionTitle(trial)}`, main: true };
  }
  const job = jobs?.get(key);
  if (job?.kind !== 'base' || job.base.seed !== firstSeed) return undefined;
  const name = specName(job.base.spec).replace(/^kind-/, '');
  const ofMainTable = [...(jobs?.values() ?? [])].some(
    (other) => other.kind === 'trial' && other.trial.table === 'iso-parameters' && other.transfer.base.key === key,
  );
  const { dataset } = job.base;
  const data = dataTitle({ dataset: dataset.name, ...inLatents(dataset) });
  return { title: `pre-trained KIND, ${data}, ${name}`, main: ofMainTable };
}

async function chartOf(key: string, title: string, spectrum: z.output<typeof spectrumSchema>): Promise<Chart[]> {
  const line = (name: string, numbers: readonly (number | null)[], strong = false): Series => ({
    name,
    strong,
    points: numbers.flatMap((y, i) => (y === null ? [] : [{ x: i + 1, y }])),
  });
  const groups = Object.entries(spectrum.tailors).slice(0, SHOWN_GROUPS);
  const series = [
    line('learngenes', spectrum.learngenes, true),
    ...groups.map(([name, numbers]) => line(`tailors: ${name}`, numbers)),
  ].filter(({ points }) => points.length > 0);
  if (series.length === 0) return [];
  const [short] = title.split(' (');
  const svg = await lineChart(series, {
    title: short,
    xTitle: 'component, largest first',
    yTitle: 'singular value',
    logY: true,
    size: { width: 400, height: 230 },
    legend: 'bottom',
  });
  const note = short === title ? {} : { note: title };
  return [{ title: `Singular values: ${title}`, file: `spectrum-${key}`, svg, ...note }];
}

/** The spectra of learngenes and tailors, a chart for each kind of model; none where spectra.json is missing. */
export async function spectraSections({
  spectra,
  trials,
  jobs,
}: Pick<Results, 'spectra' | 'trials' | 'jobs'>): Promise<Section[]> {
  const parsed = schema.safeParse(spectra);
  if (!parsed.success) return [];
  const known = {
    trials: new Map(trials.map((trial) => [trial.trial, trial])),
    firstSeed: Math.min(...trials.map(({ seed }) => seed)),
    jobs,
  };
  const [main, others]: [Chart[], Chart[]] = [[], []];
  for (const [key, spectrum] of Object.entries(parsed.data)) {
    const found = shownModel(key, known);
    if (found) (found.main ? main : others).push(...(await chartOf(key, found.title, spectrum)));
  }
  const note = `First seed; mean over the layers. What is common is in the learngenes; a class that needs much of its own has tailors with large singular values. At most ${SHOWN_GROUPS} groups of tailors are drawn.`;
  const open = { kind: 'charts' as const, title: 'Spectra of learngenes and tailors', note, charts: main };
  const closed = {
    kind: 'details' as const,
    title: 'Spectra of the other bases',
    sections: [{ kind: 'charts' as const, charts: others }],
  };
  return [...(main.length > 0 ? [open] : []), ...(others.length > 0 ? [closed] : [])];
}
