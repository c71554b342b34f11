import { type Chart, type ChartOptions, lineChart, type Point, type Series } from '@learngene/report';
import { type Curves, curve, partsOf, trend, withTrend } from './curves';

/** Charts with more lines than these have no legend: the pointer names them. */
const MOST_NAMED = 12;

/** Draws lines over the steps; nothing where there is no point. */
async function stepChart(
  series: readonly Series[],
  options: Pick<ChartOptions, 'title' | 'yTitle' | 'logY'> & { note?: string },
): Promise<Chart[]> {
  const { note, ...labels } = options;
  const drawn = series.filter(({ points }) => points.some(({ y }) => !labels.logY || y > 0));
  if (drawn.length === 0) return [];
  const many = drawn.length > MOST_NAMED;
  const svg = await lineChart(drawn, { ...labels, xTitle: 'step', legend: many ? 'none' : 'bottom' });
  return [{ svg, title: labels.title, ...(note !== undefined && { note }) }];
}

const QUARTERS = ['first quarter: least noise', 'second', 'third', 'last quarter: most noise'];

const quarterLines = (parts: ReadonlyMap<string, readonly Point[]>): Series[] =>
  QUARTERS.map((name, i) => ({ name, points: trend(parts.get(String(i + 1)) ?? []) }));

/** The lines of classes, the class with the highest last loss first; none of a single class. */
function classLines(parts: ReadonlyMap<string, readonly Point[]>): Series[] {
  if (parts.size < 2) return []; // of one class it is the loss again
  const lines = [...parts].map(([name, points]) => ({ name, points: trend(points) }));
  return lines.sort((a, b) => (b.points.at(-1)?.y ?? 0) - (a.points.at(-1)?.y ?? 0));
}

/** What {@link runCharts} draws. */
export interface RunChartsOptions {
  /** Whether the validation loss is drawn beside the loss: only where both are the same quantity. */
  validation: boolean;
}

/** The charts of one run's log. */
export async function runCharts(curves: Curves, { validation }: RunChartsOptions): Promise<Chart[]> {
  const heldOut = validation ? curve(curves, 'validationLoss') : [];
  const loss = [...withTrend('loss', curve(curves, 'loss')), { name: 'validation loss', points: heldOut }];
  const parts = (kind: string) => [partsOf(curves, `lossBy${kind}`), partsOf(curves, `validationLossBy${kind}`)];
  const [quarters, heldOutQuarters] = parts('Quarter');
  const [classes, heldOutClasses] = parts('Class');
  const ofQuarters = 'Timesteps in quarters, by their noise. Details are learnt at little noise, shapes at much.';
  return [
    ...(await stepChart(loss, {
      title: heldOut.length > 0 ? 'Training and validation loss' : 'Training loss',
      yTitle: 'loss',
      logY: true,
    })),
    ...(await fidChart([{ name: 'samples', curves }], curves)),
    ...(await stepChart(quarterLines(quarters), {
      ...{ title: 'Training loss by timestep', yTitle: 'loss', logY: true, note: ofQuarters },
    })),
    ...(await stepChart(quarterLines(heldOutQuarters), {
      ...{ title: 'Validation loss by timestep', yTitle: 'loss', logY: true, note: ofQuarters },
    })),
    ...(await stepChart(classLines(classes), { title: 'Training loss by class', yTitle: 'loss', logY: true })),
    ...(await stepChart(classLines(heldOutClasses), { title: 'Validation loss by class', yTitle: 'loss', logY: true })),
    ...(await stepChart([{ name: 'learning rate', points: curve(curves, 'learningRate') }], {
      ...{ title: 'Learning rate', yTitle: 'learning rate' },
    })),
    ...(await stepChart(withTrend('gradient norm', curve(curves, 'gradientNorm')), {
      ...{ title: 'Gradient norm, before clipping', yTitle: 'norm', logY: true },
    })),
    ...(await stepChart(withTrend('images a second', curve(curves, 'imagesPerSecond')), {
      ...{ title: 'Speed', yTitle: 'images a second' },
    })),
    ...(await stepChart([{ name: 'resident memory', points: curve(curves, 'rssMiB') }], {
      ...{ title: 'Memory of the process', yTitle: 'MiB' },
    })),
  ];
}

/** A run's curves under its name. */
export interface NamedCurves {
  /** The name. */
  name: string;
  /** The curves. */
  curves: Curves;
}

/** FID over the steps, with the marks by which it is read. */
async function fidChart(runs: readonly NamedCurves[], marks?: Curves): Promise<Chart[]> {
  const lines: Series[] = runs.map(({ name, curves }) => ({ name, points: curve(curves, 'fid'), strong: true }));
  if (lines.every(({ points }) => points.length === 0)) return [];
  const of = (name: string, field: string) => ({ name, points: marks === undefined ? [] : curve(marks, field) });
  const series = [...lines, of('noise', 'noiseFid'), of('training images', 'trainFid')];
  return stepChart(series, { title: 'FID against held-out images', yTitle: 'FID', logY: true });
}

/** What {@link comparedCharts} draws of every run, in this order. */
const COMPARED = [
  ['loss', 'Training loss, smoothed', 'loss', true],
  ['validationLoss', 'Validation loss', 'loss', true],
  ['learningRate', 'Learning rate', 'learning rate', false],
  ['gradientNorm', 'Gradient norm before clipping, smoothed', 'norm', true],
  ['imagesPerSecond', 'Speed, smoothed', 'images a second', false],
  ['rssMiB', 'Memory of the process', 'MiB', false],
] as const;

/** Charts with a line for each of several runs. */
export async function comparedCharts(runs: readonly NamedCurves[]): Promise<Chart[]> {
  const charts: Chart[][] = [];
  for (const [field, title, yTitle, logY] of COMPARED) {
    const series = runs.map(({ name, curves }) => ({ name, points: trend(curve(curves, field)) }));
    charts.push(await stepChart(series, { title, yTitle, logY }));
    if (field === 'validationLoss') charts.push(await fidChart(runs));
  }
  return charts.flat();
}
