import type { Cell, Section } from '@learngene/report';
import type { Spread } from '../statistics';
import type { Comparison, Verdict } from './compare';
import { conditionTitle } from './conditions';
import { bytesText, compact, fixed, meanDeviation, NOTHING, percentIntervalText, percentText, plural } from './format';
import { KIND_METHOD, methodTitle } from './methods';
import { METRICS, type MetricKey, metricOf } from './metrics';
import type { BudgetSummary, MeanRatio, MethodRow, TableSummary, TaskComparisons } from './summary-types';
import { differenceText, verdictWords } from './verdict-text';

type TableSection = Extract<Section, { kind: 'table' }>;

const SIGNS: Record<Verdict, string> = { better: '▲', worse: '▼', equal: '=', unknown: '' };

const toneOf = ({ verdict }: Pick<Comparison, 'verdict'>) =>
  verdict === 'better' ? ('good' as const) : verdict === 'worse' ? ('bad' as const) : ('soft' as const);

/** The first cell of a row; KIND stands out. */
export function nameCell(method: string): Cell {
  return method === KIND_METHOD ? { text: methodTitle(method), tone: 'strong' } : methodTitle(method);
}

/** What FID is against KIND's, and what that means. */
function verdictCell(table: TableSummary, { against: { fid }, method }: MethodRow): Cell {
  if (method === KIND_METHOD) return { text: 'reference', tone: 'soft' };
  if (fid === undefined) return { text: 'no pair', tone: 'soft' };
  return { text: `${verdictWords(fid)}, ${differenceText(table, fid, 'fid')}`, tone: toneOf(fid) };
}

/** `3`, `2 to 3`. */
function range(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return least === most ? String(most) : `${least} to ${most}`;
}

/** Seeds and samples of a table in words. */
function seedsNote({ rows }: TableSummary): string {
  const seeds = rows.map((row) => row.seeds.length);
  const samples = `${range(rows.flatMap((row) => row.samples))} samples a trial.`;
  if (Math.max(...seeds) <= 1) return `One seed: no deviation, and no interval within a task. ${samples}`;
  return `${range(seeds)} seeds, ${samples}`;
}

const sizeCells = ({ cost }: MethodRow): Cell[] => [compact(cost.trainable), compact(cost.macs)];

/** The scores of a row; a sign beside each says how it is against KIND's. */
function scoreCells(summary: TableSummary, row: MethodRow): Cell[] {
  const score = (key: MetricKey, digits: number): Cell => {
    const verdict = key === 'fid' ? undefined : row.against[key]?.verdict;
    const sign = verdict ? SIGNS[verdict] : '';
    const text = `${meanDeviation(row.metrics[key], digits)}${sign === '' ? '' : ` ${sign}`}`;
    return row.method === KIND_METHOD ? { text, tone: 'strong' } : text;
  };
  return [
    score('fid', 2),
    verdictCell(summary, row),
    score('sfid', 2),
    score('inceptionScore', 2),
    score('precision', 2),
    score('recall', 2),
    score('classAccuracy', 2),
    score('validationLoss', 4),
  ];
}

/** The table of a scope: scores, the difference of FID to KIND's, size. */
export function resultTable(summary: TableSummary, { title, minor }: { title: string; minor?: boolean }): TableSection {
  const missing =
    summary.missing.length > 0 ? ` ${plural(summary.missing.length, 'trial')} not there yet or failed.` : '';
  const pooled =
    summary.conditions.length > 1
      ? ' Scores are means over the tasks for seeds that have them all; the difference is the mean ratio over pairs of the same task and seed, in percent.'
      : '';
  return {
    kind: 'table',
    title,
    minor,
    note: `${seedsNote(summary)}${pooled}${marksNote(summary)} Mean ± standard deviation over seeds; difference to KIND with its paired bootstrap interval (95 %); ▲ better than KIND, ▼ worse, = equal within noise.${missing}`,
    header: [
      'method',
      'trained',
      'MACs',
      'FID ↓',
      'FID against KIND’s',
      'sFID ↓',
      'IS ↑',
      'precision ↑',
      'recall ↑',
      'class accuracy ↑',
      'validation loss ↓',
    ],
    rows: [
      ...summary.rows.map((row): Cell[] => [nameCell(row.method), ...sizeCells(row), ...scoreCells(summary, row)]),
      ...markRows(summary),
    ],
  };
}

const MARK_NAMES = { noise: 'random pixels', training: 'training images' } as const;

/** Rows of images that no method drew, with their precision and recall alone. */
function markRows({ precisionMarks: { marks } }: TableSummary): Cell[][] {
  return marks.map(({ images, precision, recall }) => {
    const none = (count: number) => Array.from({ length: count }, () => NOTHING);
    const text = (value: Spread): Cell => ({ text: meanDeviation(value, 2), tone: 'soft' });
    return [{ text: MARK_NAMES[images], tone: 'soft' }, ...none(6), text(precision), text(recall), ...none(2)];
  });
}

/** How precision and recall are to be read. */
function marksNote({ precisionMarks: { marks, warnings } }: TableSummary): string {
  if (marks.length === 0) return '';
  const said = warnings.map((warning) => ` ${warning[0].toUpperCase()}${warning.slice(1)}.`).join('');
  return ` Precision and recall are to be read beside those of random pixels and of training images in the place of samples.${said}`;
}

/** The ablations under the same conditions as one table: KIND first, then the questions one after another. */
export function ablationTable(tables: readonly TableSummary[], title: string): TableSection {
  const [first] = tables;
  const kind = first.rows.find(({ method }) => method === KIND_METHOD);
  const rows = tables.flatMap((table) =>
    table.rows
      .filter(({ method }) => method !== KIND_METHOD)
      .map((row): Cell[] => [nameCell(row.method), table.group ?? '', ...sizeCells(row), ...scoreCells(table, row)]),
  );
  const { header, note } = resultTable(first, { title });
  return {
    kind: 'table',
    title,
    note,
    header: [header[0], 'question', ...header.slice(1)],
    rows: [
      ...(kind ? [[nameCell(KIND_METHOD), '', ...sizeCells(kind), ...scoreCells(first, kind)]] : []),
      ...rows,
      ...markRows(first).map(([name, ...cells]): Cell[] => [name, '', ...cells]),
    ],
  };
}

/** The methods that all tasks have against KIND, task by task and over them. */
export function taskComparisonTable({ tasks, rows }: TaskComparisons, title: string): TableSection {
  const over = ({ count, percent, interval, ...judged }: MeanRatio): Cell => ({
    text: `${verdictWords({ ...judged, pairs: count })}, ${percentText(percent)}${interval === null ? '' : ` ${percentIntervalText(interval)}`}`,
    tone: toneOf(judged),
  });
  const bases = rows[0].fid.overBases.count;
  const shared = bases < tasks.length;
  return {
    kind: 'table',
    title,
    note: `FID against KIND’s in percent above 1: the mean ratio over a task’s seeds (how many: in brackets), then the mean over the tasks with Student’s interval (95 %). A task counts once, however many seeds it has.${shared ? ` The tasks stand on ${bases} base models, and those of one lean the same way together: over base models each counts once.` : ''}`,
    header: [
      'method',
      ...tasks.map(({ task }) => task),
      'FID over tasks',
      ...(shared ? ['FID over base models'] : []),
      'sFID over tasks',
      ...(shared ? ['sFID over base models'] : []),
    ],
    rows: rows.map(({ method, fid, sfid }): Cell[] => [
      nameCell(method),
      ...fid.tasks.map(({ percent, pairs }) => `${percentText(percent)} (${pairs})`),
      ...[fid, sfid].flatMap((metric) => [over(metric.overTasks), ...(shared ? [over(metric.overBases)] : [])]),
    ]),
  };
}

/** Every metric's difference to KIND with its interval. */
export function differenceTable(summary: TableSummary, title: string): TableSection {
  return {
    kind: 'table',
    title,
    minor: true,
    note: 'Method less KIND, with the paired bootstrap interval (95 %); ▲ the method is better, ▼ worse, = equal within noise.',
    header: ['method', 'pairs', ...METRICS.map((metric) => `${metric.title} ${metric.lowerIsBetter ? '↓' : '↑'}`)],
    rows: summary.rows
      .filter(({ method }) => method !== KIND_METHOD)
      .map(({ method, against }): Cell[] => [
        nameCell(method),
        String(against.fid?.pairs ?? 0),
        ...METRICS.map(({ key }): Cell => {
          const comparison = against[key];
          if (comparison === undefined) return NOTHING;
          return {
            text: `${differenceText(summary, comparison, key)} ${SIGNS[comparison.verdict]}`,
            tone: toneOf(comparison),
          };
        }),
      ]),
  };
}

/** FID under each guidance mode; the chosen one is marked. */
export function guidanceTable(
  summary: TableSummary,
  { title, minor }: { title: string; minor?: boolean },
): TableSection {
  return {
    kind: 'table',
    title,
    minor,
    note: 'FID at the end of the transfer. ● the mode that was chosen on the tuning classes (1 of 2: for one of two trials); × the guidance scale.',
    header: ['method', 'no guidance', 'against the null label', 'against the class-agnostic model'],
    rows: summary.rows.map(({ method, guidance, trials }): Cell[] => [
      nameCell(method),
      ...guidance.map(({ mode, fid, chosen, scales }): Cell => {
        const scale = mode === 'none' || scales.length === 0 ? '' : ` × ${scales.map((s) => fixed(s, 2)).join(', ')}`;
        const mark = chosen === 0 ? '' : chosen === trials ? ' ●' : ` ● ${chosen} of ${trials}`;
        return { text: `${meanDeviation(fid, 2)}${scale}${mark}`, tone: chosen > 0 ? 'strong' : 'soft' };
      }),
    ]),
  };
}

/** What methods cost. */
export function costTable(summary: TableSummary, title: string): TableSection {
  const dense = summary.rows.find(({ method }) => method === 'full')?.cost.macs;
  return {
    kind: 'table',
    title,
    note: 'Medians over the trials. MACs: multiply-accumulates of one forward pass of one sample, adapters merged into the weights where that is cheaper. Parameters: all that are held, frozen ones included. Peak memory: resident set of the process that trained the trial. Bytes a class: what a device fetches to add one class.',
    header: [
      'method',
      'trained',
      'parameters held',
      'MACs',
      'of dense',
      'ms a step',
      'peak memory',
      'bytes a class',
      'learning rates',
      'size',
    ],
    rows: summary.rows.map(({ method, cost, learningRates, ranks }): Cell[] => [
      nameCell(method),
      compact(cost.trainable),
      compact(cost.parameters),
      compact(cost.macs),
      dense === undefined ? NOTHING : fixed(cost.macs / dense, 2),
      fixed(cost.stepMs, 1),
      Number.isFinite(cost.peakRssMiB) ? `${cost.peakRssMiB.toFixed(0)} MiB` : NOTHING,
      bytesText(cost.bytesPerClass),
      learningRates.map((rate) => rate.toExponential()).join(', '),
      ranks.length === 0 ? NOTHING : ranks.join(', '),
    ]),
  };
}

/** Every model of the deployment figures, by size. */
export function budgetTable({ condition, lines }: BudgetSummary): TableSection {
  return {
    kind: 'table',
    minor: true,
    title: conditionTitle(condition),
    header: ['model', 'seeds', 'parameters', 'MACs', 'FID ↓', 'class accuracy ↑', 'validation loss ↓'],
    rows: lines.flatMap(({ method, points }) =>
      points.map(({ parameters, macs, fid, classAccuracy, validationLoss }): Cell[] => [
        methodTitle(method),
        String(fid.count),
        compact(parameters),
        compact(macs),
        meanDeviation(fid, metricOf('fid').digits),
        meanDeviation(classAccuracy, 2),
        meanDeviation(validationLoss, metricOf('validationLoss').digits),
      ]),
    ),
  };
}
