import { counted } from '@learngene/pipeline';
import type { Section } from '@learngene/report';
import { basesAndTuningSections } from './bases-and-tuning';
import { budgetCharts, curveCharts, differenceChart, stepsToMatchTable } from './chart-sections';
import { dataAndStepsSections } from './data-and-steps';
import { failureSections, fairness, READING, repeatSections } from './methodology';
import { KIND_METHOD } from './methods';
import type { Results } from './read-results';
import { gallerySections } from './samples';
import { spectraSections } from './spectra';
import type { CurveSummary, TableSummary, TransferSummary } from './summary-types';
import {
  ablationTable,
  budgetTable,
  costTable,
  differenceTable,
  guidanceTable,
  resultTable,
  taskComparisonTable,
} from './table-sections';
import { methodSentence, standingSentence } from './verdict-text';

/** Settings of {@link reportSections}. */
export interface SectionOptions {
  /** The command that repeats the benchmark, as a user types it. */
  command?: string;
  /** Fewer charts, for documents whose charts are files (default false). */
  brief?: boolean;
}

/** The answer in words: where KIND stands, then every method in a sentence. */
function answer(summary: TransferSummary): Section[] {
  const [main] = summary.isoParameters;
  if (main === undefined)
    return [{ kind: 'text', title: 'What came out', text: 'No trial of the main table is done yet.' }];
  const shown = summary.standings.filter(({ metric }) => metric === 'fid' || metric === 'sfid');
  const others = main.rows.filter(({ method }) => method !== KIND_METHOD);
  return [
    {
      kind: 'text',
      title: 'What came out',
      text: [`Equal trainable parameters; ${main.title}.`, ...shown.map(standingSentence)].join('\n\n'),
    },
    {
      kind: 'details',
      title: 'Each method in a sentence',
      sections: [{ kind: 'list', items: others.map((row) => methodSentence(main, row)) }],
    },
  ];
}

/** The tables of one kind: the first in the open, those of single tasks behind a click. */
async function tableSections(tables: readonly TableSummary[], title: string): Promise<Section[]> {
  const [first, ...rest] = tables;
  if (first === undefined) return [];
  const chart = await differenceChart(first);
  return [
    resultTable(first, { title: `${title}: ${first.title}` }),
    ...(chart === undefined ? [] : [{ kind: 'chart' as const, ...chart }]),
    {
      kind: 'details',
      title: `${title}: all metrics against KIND`,
      sections: tables.map((table) => differenceTable(table, table.title)),
    },
    ...(rest.length === 0
      ? []
      : [
          {
            kind: 'details' as const,
            title: `${title}: each task`,
            sections: rest.map((table) => resultTable(table, { title: table.title, minor: true })),
          },
        ]),
  ];
}

async function curveSections(curves: readonly CurveSummary[], brief: boolean): Promise<Section[]> {
  const [first, ...rest] = curves;
  if (first === undefined) return [];
  const details: Section[] = [stepsToMatchTable(first)];
  for (const one of brief ? [] : rest) {
    details.push({ kind: 'charts', title: one.title, charts: await curveCharts(one) }, stepsToMatchTable(one));
  }
  return [
    {
      kind: 'charts',
      title: `Convergence: ${first.title}`,
      note: 'Mean over seeds; bands are one standard deviation. Chosen guidance. KIND is in every chart. Fewer samples may have been scored on the way than at the end, and FID of fewer samples is higher: compare methods at the same step.',
      charts: await curveCharts(first),
    },
    {
      kind: 'details',
      title: brief || rest.length === 0 ? 'Who is there sooner' : 'Who is there sooner, and each task',
      sections: details,
    },
  ];
}

function guidanceSections([first, ...rest]: readonly TableSummary[]): Section[] {
  if (first === undefined) return [];
  const title = `Guidance: ${first.title}`;
  if (rest.length === 0) return [guidanceTable(first, { title })];
  const sections = rest.map((table) => guidanceTable(table, { title: table.title, minor: true }));
  return [guidanceTable(first, { title }), { kind: 'details', title: 'Guidance: each task', sections }];
}

function ablationSections(tables: readonly TableSummary[]): Section[] {
  const titles = [...new Set(tables.map(({ title }) => title))];
  return titles.map((title) =>
    ablationTable(
      tables.filter((table) => table.title === title),
      `Ablations of KIND: ${title}`,
    ),
  );
}

async function budgetSections({ budgets }: TransferSummary): Promise<Section[]> {
  if (budgets.length === 0) return [];
  const charts = (await Promise.all(budgets.map(budgetCharts))).flat();
  const note =
    'Pre-training classes, drawn by one KIND bundle cut to budgets, by a dense model cut by SVD and by dense models trained small; all guided at the same scale, nothing tuned. Bands are one standard deviation over seeds; a line without one is of a single seed, which may lie above or below the mean of several.';
  return [
    { kind: 'charts', title: 'Deployment within a budget', note, charts },
    { kind: 'details', title: 'Deployment within a budget: figures', sections: budgets.map(budgetTable) },
  ];
}

/** All results as sections of a report. */
export async function reportSections(
  results: Results,
  summary: TransferSummary,
  { command, brief = false }: SectionOptions,
): Promise<Section[]> {
  const [main] = summary.isoParameters;
  const { taskComparison: together } = summary;
  return [
    ...answer(summary),
    ...(await tableSections(summary.isoParameters, 'Equal trainable parameters')),
    ...(together === undefined
      ? []
      : [taskComparisonTable(together, `Against KIND over ${counted(together.tasks.length, 'task')}`)]),
    ...(await tableSections(summary.isoMacs, 'Equal MACs at inference')),
    ...(await curveSections(summary.curves, brief)),
    ...(await gallerySections(results)),
    ...guidanceSections(summary.isoParameters),
    ...dataAndStepsSections(results.trials),
    ...ablationSections(summary.ablations),
    ...(await budgetSections(summary)),
    ...(await spectraSections(results)).filter(({ kind }) => !(brief && kind === 'details')),
    ...(main === undefined ? [] : [costTable(main, `Cost: ${main.title}`)]),
    fairness(results.trials),
    ...(await basesAndTuningSections(results.folder)),
    READING,
    ...failureSections(summary),
    ...repeatSections(results, command),
  ];
}
