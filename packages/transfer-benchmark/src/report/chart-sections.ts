import type { Cell, Chart, Section } from '@learngene/report';
import { type IntervalRow, intervalChart, lineChart, type Series } from '@learngene/report';
import { conditionTitle } from './conditions';
import { NOTHING } from './format';
import { FAMILIES, KIND_METHOD, methodFamily, methodTitle } from './methods';
import type { BudgetSummary, Curve, CurvePoint, CurveSummary, TableSummary } from './summary-types';
import { nameCell } from './table-sections';

const SIZE = { width: 400, height: 230 };

/** Whether values are so far apart that only a logarithmic axis shows them all. */
function spansDecades(series: readonly Series[]): boolean {
  const values = series.flatMap(({ points }) => points.map(({ y }) => y)).filter((y) => Number.isFinite(y) && y > 0);
  return Math.max(...values) > 6 * Math.min(...values);
}

function seriesOf(method: string, points: readonly CurvePoint[]): Series {
  return {
    name: methodTitle(method),
    strong: method === KIND_METHOD,
    points: points.flatMap(({ step, value: { mean, deviation } }) => {
      if (mean === null) return [];
      return [{ x: step, y: mean, ...(deviation === null ? {} : { low: mean - deviation, high: mean + deviation }) }];
    }),
  };
}

/** Charts of one quantity, one for each family of methods, KIND in all of them. */
async function familyCharts(
  curves: readonly Curve[],
  { quantity, yTitle, title }: { quantity: 'fid' | 'validation'; yTitle: string; title: string },
): Promise<Chart[]> {
  const kind = curves.filter(({ method }) => method === KIND_METHOD);
  const charts: Chart[] = [];
  for (const family of FAMILIES) {
    const others = curves.filter(({ method }) => method !== KIND_METHOD && methodFamily(method) === family);
    const series = [...kind, ...others].map((curve) => seriesOf(curve.method, curve[quantity]));
    const drawn = series.filter(({ points }) => points.length > 0);
    if (others.length === 0 || drawn.length === 0) continue;
    const svg = await lineChart(drawn, {
      title: `${yTitle}: KIND and ${family}`,
      xTitle: 'optimiser steps of the transfer',
      yTitle,
      logY: spansDecades(drawn),
      dots: true,
      size: SIZE,
      legend: 'bottom',
    });
    charts.push({
      svg,
      title: `${yTitle} over steps, KIND and ${family}, ${title}`,
      file: `${quantity}-curves-${family}`,
    });
  }
  return charts;
}

/** The curves under one condition: FID and validation loss over steps. */
export async function curveCharts({ curves, title }: CurveSummary): Promise<Chart[]> {
  return [
    ...(await familyCharts(curves, { quantity: 'fid', yTitle: 'FID', title })),
    ...(await familyCharts(curves, { quantity: 'validation', yTitle: 'validation loss', title })),
  ];
}

/** Who is there first: KIND or the method. */
export function stepsToMatchTable({ curves, title }: CurveSummary): Section {
  const step = (value: number | null) => (value === null ? NOTHING : `step ${value}`);
  return {
    kind: 'table',
    minor: true,
    title: `Who is there sooner: ${title}`,
    note: 'By the mean curves over seeds, at the checkpoints that were scored; – where it is never.',
    header: ['method', 'KIND has the method’s last FID at', 'the method has KIND’s last FID at'],
    rows: curves
      .filter(({ method }) => method !== KIND_METHOD)
      .map(({ method, kindIsAsGoodAt, asGoodAsKindAt }): Cell[] => [
        nameCell(method),
        step(kindIsAsGoodAt),
        step(asGoodAsKindAt),
      ]),
  };
}

/** FIDs divided by KIND's, with their intervals. */
export async function differenceChart(summary: TableSummary): Promise<Chart | undefined> {
  const ratio = (percent: number) => 1 + percent / 100;
  const rows = summary.rows.flatMap(({ method, against: { fid } }): IntervalRow[] => {
    if (fid === undefined || fid.percent === null) return [];
    const ends = fid.percentInterval;
    return [
      {
        name: methodTitle(method),
        value: ratio(fid.percent),
        ...(ends === null ? {} : { low: ratio(ends[0]), high: ratio(ends[1]) }),
        tone: fid.verdict === 'better' ? 'good' : fid.verdict === 'worse' ? 'bad' : 'neutral',
      },
    ];
  });
  if (rows.length === 0) return undefined;
  const title = `FID against KIND’s, ${summary.title}`;
  return {
    svg: await intervalChart(rows, { title, xTitle: 'FID divided by KIND’s: left of 1 the method is better' }),
    title,
    file: `fid-differences-${summary.table}`,
    note: 'Geometric mean over pairs of the same seed and task, with the paired bootstrap interval (95 %). Colour and shape show the verdict: green and pointing up better than KIND, red and pointing down worse, grey dots equal within noise.',
  };
}

/** FID against parameters and against multiply-accumulates. */
export async function budgetCharts({ condition, lines }: BudgetSummary): Promise<Chart[]> {
  const draw = async (axis: 'parameters' | 'macs', xTitle: string): Promise<Chart[]> => {
    const all = lines.map(
      ({ method, points }): Series => ({
        name: methodTitle(method),
        strong: method.startsWith('bundle-cut'),
        points: points
          .flatMap((point) => {
            const { mean, deviation } = point.fid;
            if (mean === null) return [];
            const band = deviation === null ? {} : { low: mean - deviation, high: mean + deviation };
            return [{ x: point[axis], y: mean, ...band }];
          })
          .sort((a, b) => a.x - b.x),
      }),
    );
    const series = all.filter(({ points }) => points.length > 0);
    if (series.length === 0) return [];
    const title = `FID against ${xTitle}: ${condition.task}`;
    const options = { title, xTitle, yTitle: 'FID', logX: true, logY: spansDecades(series), dots: true, size: SIZE };
    const svg = await lineChart(series, { ...options, legend: 'bottom' });
    const file = `budget-${axis}-${condition.task}`;
    return [{ svg, file, title: `${title}, ${conditionTitle(condition)}` }];
  };
  return [...(await draw('parameters', 'parameters')), ...(await draw('macs', 'MACs of a forward pass'))];
}
