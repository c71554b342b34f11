import { classNamesOf, sampledShape } from '@learngene/pipeline';
import { type Cell, type ListSection, reportPage, type Section, type TableSection } from '@learngene/report';
import { curve } from '../reports/curves';
import { comparedCharts } from '../reports/run-charts';
import {
  GRID_CLASSES,
  GRID_COLUMNS,
  gridColumn,
  type PictureColumn,
  pictureTable,
  realColumn,
  sampleGrids,
} from '../reports/sample-progress';
import { FID_WORDS } from '../reports/score-words';
import { changedKeys } from '../run/continue-run';
import { isVaeRun, type ReportedRun } from './open-run';

/** The share of a log, at its end, over which figures are averaged. */
const END = 0.1;

const shown = (value: number | undefined, digits = 4) =>
  value === undefined ? '' : value.toLocaleString('en-US', { maximumSignificantDigits: digits });

/** The mean of a curve over the last tenth of its points. */
function endMean({ curves }: ReportedRun, name: string): number | undefined {
  const points = curve(curves, name);
  const last = points.slice(-Math.max(1, Math.round(END * points.length)));
  return last.length === 0 ? undefined : last.reduce((sum, { y }) => sum + y, 0) / last.length;
}

/** The point of a curve with the lowest value. */
function lowest({ curves }: ReportedRun, name: string) {
  const points = curve(curves, name);
  return points.length === 0 ? undefined : points.reduce((a, b) => (b.y < a.y ? b : a));
}

/** A figure of every run; the lowest is marked. */
function lowestMarked(values: readonly (number | undefined)[], text: (value: number, i: number) => string): Cell[] {
  const known = values.filter((value) => value !== undefined);
  const least = known.length > 1 ? Math.min(...known) : undefined;
  return values.map((value, i) => {
    if (value === undefined) return '';
    return value === least ? { text: text(value, i), tone: 'strong' } : text(value, i);
  });
}

/** The figures of every run, a column a run. */
function figures(runs: readonly ReportedRun[]): TableSection {
  const of = (name: string): Cell[] => {
    const points = runs.map((run) => lowest(run, name));
    return lowestMarked(
      points.map((point) => point?.y),
      (value, i) => `${shown(value)} at step ${shown(points[i]?.x)}`,
    );
  };
  const rows: Cell[][] = [
    ['what', ...runs.map(({ record }) => (isVaeRun(record) ? 'autoencoder' : `${record.command}, ${record.kind}`))],
    [
      'steps done, of all',
      ...runs.map(
        ({ lines, record }) => `${shown(lines.at(-1)?.step ?? 0)} of ${shown(record.config.training.steps, 9)}`,
      ),
    ],
    [
      'loss, mean of the last tenth',
      ...lowestMarked(
        runs.map((run) => endMean(run, 'loss')),
        (value) => shown(value),
      ),
    ],
    ['lowest validation loss', ...of('validationLoss')],
    ['lowest FID', ...of('fid')],
    ['FID of noise', ...runs.map((run) => shown(endMean(run, 'noiseFid')))],
    ['FID of training images', ...runs.map((run) => shown(endMean(run, 'trainFid')))],
    ['images a second, mean of the last tenth', ...runs.map((run) => shown(endMean(run, 'imagesPerSecond'), 3))],
    ['engine', ...runs.map(({ record }) => record.engine)],
  ];
  const told = rows.filter(([, ...cells]) => cells.some((cell) => cell !== ''));
  const scored = runs.some(({ curves }) => curves.has('fid'));
  return {
    kind: 'table',
    title: 'Figures',
    note: `The lowest of a row is bold. ${COMPARABLE}${scored ? ` ${FID_WORDS}` : ''}`,
    header: ['', ...runs.map(({ name }) => name)],
    rows: told,
  };
}

const COMPARABLE =
  'Losses of two runs compare only where both predict the same thing on the same data; FIDs where the classifier is of the same data.';

/** The keys of the configuration in which runs differ, a column a run. */
function differences(runs: readonly ReportedRun[]): Section {
  const title = 'What is different';
  const [first, ...others] = runs;
  const changed = others.map(({ record }) => changedKeys(first.record.config, record.config));
  const keys = [...new Set(changed.flatMap((own) => Object.keys(own)))].sort();
  if (keys.length === 0) return { kind: 'text', title, text: 'The configurations are the same.' };
  const text = (value: unknown) => (value === null || value === undefined ? 'none' : JSON.stringify(value));
  const ownOf = (key: string) => changed.find((own) => Object.hasOwn(own, key))?.[key][0];
  const rows = keys.map((key) => [
    key,
    text(ownOf(key)),
    ...changed.map((own) => text(Object.hasOwn(own, key) ? own[key][1] : ownOf(key))),
  ]);
  return { kind: 'table', title, header: ['key', ...runs.map(({ name }) => name)], rows };
}

/** What was changed of runs when they were continued. */
function changes(runs: readonly ReportedRun[]): ListSection[] {
  const items = runs.flatMap(({ name, record }) =>
    (record.changes ?? []).flatMap(({ step, config }) =>
      Object.entries(config).map(
        ([key, [before, after]]) =>
          `${name}: ${key} from ${JSON.stringify(before)} to ${JSON.stringify(after)} after step ${step}`,
      ),
    ),
  );
  return items.length === 0 ? [] : [{ kind: 'list', title: 'Changed on the way', items }];
}

/** The newest samples of every run beside real pictures, where the runs have the same classes in samples of the same size. */
async function samples(runs: readonly ReportedRun[]): Promise<Section[]> {
  const columns: PictureColumn[] = [];
  let names: string | undefined;
  let reals: PictureColumn[] = [];
  for (const { path, name, record } of runs) {
    const last = (await sampleGrids(path)).at(-1);
    if (last === undefined || isVaeRun(record)) continue;
    const own = classNamesOf(record.model);
    const rows = JSON.stringify(own.slice(0, GRID_CLASSES));
    names ??= rows;
    if (rows !== names) continue;
    const { width, height } = sampledShape(record.model.dit, record.config);
    const layout = { width, height, columns: GRID_COLUMNS, names: own };
    columns.push(await gridColumn(`${name}, step ${last.step.toLocaleString('en-US')}`, last.png, layout));
    if (reals.length === 0) reals = await realColumn(path, layout);
  }
  const note = 'The newest samples of each run that has the classes of the first.';
  return pictureTable([...columns, ...reals], JSON.parse(names ?? '[]'), { title: 'Samples', note });
}

/** A page that compares runs: figures, curves, samples, and in what their configurations differ. */
export async function comparePage(runs: readonly ReportedRun[]): Promise<string> {
  const charts = await comparedCharts(runs);
  const sections: Section[] = [
    figures(runs),
    ...(charts.length === 0 ? [] : [{ kind: 'charts' as const, title: 'While they trained', charts }]),
    ...(await samples(runs)),
    differences(runs),
    ...changes(runs),
  ];
  return reportPage('Runs compared', runs.map(({ path }) => path).join(' · '), sections);
}
