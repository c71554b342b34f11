import type { Spec, View } from 'vega';
import { checkArray, checkFields, checkFinite, checkText, checkWord } from './check';
import { type HoverData, withHover } from './hover-data';
import { PALETTE, renderChart } from './render-chart';

/** A point of a line. */
export interface Point {
  /** Where the point stands along the horizontal axis. */
  x: number;
  /** Its value. */
  y: number;
  /** The band around the point: its lower edge. */
  low?: number;
  /** The band's upper edge. */
  high?: number;
}

/** A named line of a chart. */
export interface Series {
  /** Its name in the legend. */
  name: string;
  /** Its points, from left to right. */
  points: readonly Point[];
  /** Drawn thicker than the others. */
  strong?: boolean;
  /** Drawn thin and pale, in the colour of the line before it: what that line is a summary of. */
  faint?: boolean;
}

/** The size of a chart's plot area. */
export interface ChartSize {
  /** In pixels. */
  width: number;
  /** In pixels. */
  height: number;
}

/** How a chart is labelled. */
export interface ChartOptions {
  /** The line above the chart. */
  title: string;
  /** What the horizontal axis counts. */
  xTitle: string;
  /** What the vertical axis counts. */
  yTitle: string;
  /** Logarithmic x axis (default false). */
  logX?: boolean;
  /** Logarithmic y axis (default false). */
  logY?: boolean;
  /** Dots at the points (default false). */
  dots?: boolean;
  /** The plot area (default 560 by 260). */
  size?: ChartSize;
  /** Where the names stand (default right); none where they would be too many. */
  legend?: 'right' | 'bottom' | 'none';
}

const OPTIONS = ['title', 'xTitle', 'yTitle', 'logX', 'logY', 'dots', 'size', 'legend'];

function checkOptions(options: ChartOptions): void {
  checkFields('options', options, OPTIONS);
  for (const name of ['title', 'xTitle', 'yTitle'] as const) checkText(`options.${name}`, options[name]);
  for (const name of ['logX', 'logY', 'dots'] as const) checkWord(`options.${name}`, options[name], [true, false]);
  checkWord('options.legend', options.legend, ['right', 'bottom', 'none']);
  if (options.size === undefined) return;
  checkFields('options.size', options.size, ['width', 'height']);
  for (const side of ['width', 'height'] as const) {
    checkFinite(`options.size.${side}`, options.size[side], { positive: true });
  }
}

function checkSeries(series: readonly Series[], { logX }: ChartOptions): void {
  checkArray('series', series, 1);
  series.forEach((line, i) => {
    const at = `series[${i}]`;
    checkFields(at, line, ['name', 'points', 'strong', 'faint']);
    checkText(`${at}.name`, line.name);
    checkWord(`${at}.strong`, line.strong, [true, false]);
    checkWord(`${at}.faint`, line.faint, [true, false]);
    checkArray(`${at}.points`, line.points, 1);
    line.points.forEach((point, j) => {
      const name = `${at}.points[${j}]`;
      checkFields(name, point, ['x', 'y', 'low', 'high']);
      checkFinite(`${name}.x`, point.x, { positive: logX });
      checkFinite(`${name}.y`, point.y);
      for (const edge of ['low', 'high'] as const) {
        if (point[edge] !== undefined) checkFinite(`${name}.${edge}`, point[edge]);
      }
    });
  });
}

const dashes = [[], [6, 3], [2, 2], [8, 3, 2, 3]];

/** The first line has a colour of its own; where the others' colours come again, they come with other dashes. */
function look(index: number): { color: string; dash: number[] } {
  if (index === 0) return { color: PALETTE[0], dash: dashes[0] };
  const others = PALETTE.length - 1;
  const round = Math.floor((index - 1) / others);
  return { color: PALETTE[1 + ((index - 1) % others)], dash: dashes[(index + 2 * round) % dashes.length] };
}

/** The looks of lines: a faint one has that of the line before it. */
function looksOf(series: readonly Series[]) {
  let own = -1;
  return series.map(({ faint }) => {
    if (!faint || own < 0) own++;
    return look(own);
  });
}

/** The points that the axes can show; bands only where they are on the axis too. */
function pointsOnAxes({ name, points, strong, faint }: Series, { logY }: ChartOptions) {
  const onAxis = (value: number) => !logY || value > 0;
  return points
    .filter(({ y }) => onAxis(y))
    .map(({ x, y, low, high }) => ({
      name,
      x,
      y,
      width: faint ? 1 : strong ? 2.8 : 1.6,
      opacity: faint ? 0.4 : 1,
      ...(low !== undefined && high !== undefined && onAxis(low) && onAxis(high) ? { low, high } : {}),
    }));
}

/** The values of a drawn chart and where they stand. */
function hoverData(view: View, series: readonly Series[], options: ChartOptions): HoverData {
  const [x, y] = view.origin();
  const padding = view.padding();
  const { left = 0, top = 0 } = typeof padding === 'number' ? { left: padding, top: padding } : padding;
  const ends = (name: string) => {
    const domain: number[] = view.scale(name).domain();
    return [domain[0], domain[domain.length - 1]] as const;
  };
  const looks = looksOf(series);
  const short = (value: number) => Number(value.toPrecision(6));
  const lines = series.map((line, i) => {
    const points = pointsOnAxes(line, options);
    return [line.name, looks[i].color, points.map(({ x }) => x), points.map(({ y }) => short(y))] as const;
  });
  return {
    area: { left: x + left, top: y + top, width: view.width(), height: view.height() },
    x: { log: options.logX ?? false, domain: ends('x'), title: options.xTitle },
    y: { log: options.logY ?? false, domain: ends('y') },
    lines,
  };
}

/**
 * Draws lines, with bands where points have them. On a logarithmic y axis, points that are not positive are left out.
 *
 * @param series At least one, each of at least one point.
 * @returns an `<svg>` element
 * @throws RangeError for numbers that are not finite, an x that is not positive on a logarithmic axis, a series without
 *   points, and an unknown field or option, naming it
 */
export async function lineChart(series: readonly Series[], options: ChartOptions): Promise<string> {
  checkOptions(options);
  checkSeries(series, options);
  const values = series.flatMap((line) => pointsOnAxes(line, options));
  const names = series.map(({ name }) => name);
  const looks = looksOf(series);
  const { logX, logY, dots, size = { width: 560, height: 260 }, legend = 'right' } = options;
  const line = { x: { scale: 'x', field: 'x' }, y: { scale: 'y', field: 'y' } };
  const spec: Spec = {
    $schema: 'https://vega.github.io/schema/vega/v6.json',
    ...size,
    title: { text: options.title, anchor: 'start', fontSize: 14 },
    data: [{ name: 'lines', values }],
    scales: [
      {
        name: 'x',
        type: logX ? 'log' : 'linear',
        range: 'width',
        domain: { data: 'lines', field: 'x' },
        nice: !logX,
        zero: false,
      },
      {
        name: 'y',
        type: logY ? 'log' : 'linear',
        range: 'height',
        domain: { data: 'lines', fields: ['y', 'low', 'high'] },
        nice: !logY,
        zero: false,
      },
      { name: 'color', type: 'ordinal', range: looks.map(({ color }) => color), domain: names },
      { name: 'dash', type: 'ordinal', range: looks.map(({ dash }) => dash), domain: names },
    ],
    axes: [
      {
        orient: 'bottom',
        scale: 'x',
        title: options.xTitle,
        grid: true,
        tickCount: 6,
        format: '~s',
        labelOverlap: true,
      },
      { orient: 'left', scale: 'y', title: options.yTitle, grid: true, tickCount: 6, labelOverlap: true },
    ],
    legends:
      series.length > 1 && legend !== 'none'
        ? [
            {
              stroke: 'color',
              strokeDash: 'dash',
              orient: legend,
              symbolType: 'stroke',
              symbolSize: 260,
              symbolStrokeWidth: 2,
              ...(legend === 'bottom' ? { columns: 2, labelLimit: size.width / 2 } : {}),
            },
          ]
        : [],
    marks: [
      {
        type: 'group',
        from: { facet: { name: 'line', data: 'lines', groupby: 'name' } },
        marks: [
          {
            type: 'area',
            from: { data: 'line' },
            encode: {
              enter: {
                x: { scale: 'x', field: 'x' },
                y: { scale: 'y', field: 'low' },
                y2: { scale: 'y', field: 'high' },
                fill: { scale: 'color', field: 'name' },
                fillOpacity: { value: 0.16 },
                defined: { signal: 'isValid(datum.low)' },
              },
            },
          },
          {
            type: 'line',
            from: { data: 'line' },
            encode: {
              enter: {
                ...line,
                stroke: { scale: 'color', field: 'name' },
                strokeDash: { scale: 'dash', field: 'name' },
                strokeWidth: { field: 'width' },
                strokeOpacity: { field: 'opacity' },
              },
            },
          },
          ...(dots
            ? [
                {
                  type: 'symbol' as const,
                  from: { data: 'line' },
                  encode: { enter: { ...line, fill: { scale: 'color', field: 'name' }, size: { value: 24 } } },
                },
              ]
            : []),
        ],
      },
    ],
  };
  return renderChart(spec, (svg, view) => withHover(svg, hoverData(view, series, options)));
}
