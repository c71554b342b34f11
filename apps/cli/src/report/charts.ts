import type { Spec } from 'vega';

/** A named line of a chart. */
export interface Series {
  name: string;
  points: readonly { x: number; y: number }[];
}

/** How a chart is labelled. */
export interface ChartOptions {
  title: string;
  xTitle: string;
  yTitle: string;
  /** Logarithmic y axis (default false). */
  logY?: boolean;
}

const palette = ['#3268d6', '#d6582b', '#2c9a6a', '#8e4fbf', '#c2a11b', '#4d4d4d', '#d13b8a', '#1e9bb5'];

/** Draws lines as an SVG element. */
export async function lineChart(series: readonly Series[], options: ChartOptions): Promise<string> {
  const values = series.flatMap(({ name, points }) =>
    points.filter(({ y }) => Number.isFinite(y) && (!options.logY || y > 0)).map(({ x, y }) => ({ name, x, y })),
  );
  const spec: Spec = {
    $schema: 'https://vega.github.io/schema/vega/v6.json',
    width: 560,
    height: 260,
    padding: 8,
    background: 'transparent',
    title: { text: options.title, anchor: 'start', fontSize: 14 },
    data: [{ name: 'lines', values }],
    scales: [
      { name: 'x', type: 'linear', range: 'width', domain: { data: 'lines', field: 'x' }, nice: true, zero: false },
      {
        name: 'y',
        type: options.logY ? 'log' : 'linear',
        range: 'height',
        domain: { data: 'lines', field: 'y' },
        nice: true,
        zero: false,
      },
      { name: 'color', type: 'ordinal', range: palette, domain: series.map(({ name }) => name) },
    ],
    axes: [
      { orient: 'bottom', scale: 'x', title: options.xTitle, grid: true, gridOpacity: 0.3 },
      { orient: 'left', scale: 'y', title: options.yTitle, grid: true, gridOpacity: 0.3 },
    ],
    legends: series.length > 1 ? [{ stroke: 'color', orient: 'right', symbolType: 'stroke' }] : [],
    marks: [
      {
        type: 'group',
        from: { facet: { name: 'line', data: 'lines', groupby: 'name' } },
        marks: [
          {
            type: 'line',
            from: { data: 'line' },
            encode: {
              enter: {
                x: { scale: 'x', field: 'x' },
                y: { scale: 'y', field: 'y' },
                stroke: { scale: 'color', field: 'name' },
                strokeWidth: { value: 1.6 },
              },
            },
          },
        ],
      },
    ],
  };
  const vega = await import('vega'); // Only reports need it, and it takes as long to load as all else.
  const view = new vega.View(vega.parse(spec), { renderer: 'none' });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
