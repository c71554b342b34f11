import type { Spec } from 'vega';
import { checkArray, checkFields, checkFinite, checkText } from './check';
import { PALETTE, renderChart } from './render-chart';

/** A row of an {@link intervalChart}. */
export interface IntervalRow {
  /** The label beside the row. */
  name: string;
  /** A ratio. */
  value: number;
  /** Lower end of the interval; none is drawn without both ends. */
  low?: number;
  /** Upper end of the interval. */
  high?: number;
  /** What the row says: the interval lies on the good side, on the bad one, or on neither. */
  tone: 'good' | 'bad' | 'neutral';
}

const TONES = ['good', 'neutral', 'bad'];

function check(rows: readonly IntervalRow[], options: { title: string; xTitle: string }): void {
  checkArray('rows', rows, 1);
  rows.forEach((row, i) => {
    const at = `rows[${i}]`;
    checkFields(at, row, ['name', 'value', 'low', 'high', 'tone']);
    checkText(`${at}.name`, row.name);
    for (const end of ['value', 'low', 'high'] as const) {
      if (end === 'value' || row[end] !== undefined) checkFinite(`${at}.${end}`, row[end]);
    }
    if (!TONES.includes(row.tone)) throw new RangeError(`${at}.tone: expected ${TONES.join(' or ')}, got ${row.tone}`);
  });
  checkFields('options', options, ['title', 'xTitle']);
  checkText('options.title', options.title);
  checkText('options.xTitle', options.xTitle);
}

/**
 * Draws ratios with their intervals beside a line at 1, a row each, on a logarithmic axis. Rows that such an axis cannot show
 * (zero, negative) are left out.
 *
 * @returns an `<svg>` element
 * @throws RangeError for numbers that are not finite, no row, and an unknown field or option, naming it
 */
export async function intervalChart(
  rows: readonly IntervalRow[],
  options: { title: string; xTitle: string },
): Promise<string> {
  check(rows, options);
  const { title, xTitle } = options;
  const onAxis = (value: number) => value > 0;
  const values = rows.filter(({ value, low = value, high = value }) => [value, low, high].every(onAxis));
  const ends = values.flatMap(({ value, low = value, high = value }) => [low, high]);
  const spec: Spec = {
    $schema: 'https://vega.github.io/schema/vega/v6.json',
    width: 460,
    height: Math.max(1, values.length) * 22,
    title: { text: title, anchor: 'start', fontSize: 14 },
    data: [{ name: 'rows', values }],
    scales: [
      {
        name: 'x',
        type: 'log',
        range: 'width',
        domain: [Math.min(0.9, ...ends) / 1.03, Math.max(1.1, ...ends) * 1.03],
        zero: false,
      },
      { name: 'y', type: 'band', range: 'height', domain: { data: 'rows', field: 'name' } },
      { name: 'color', type: 'ordinal', domain: TONES, range: [PALETTE[2], PALETTE[5], PALETTE[1]] },
      { name: 'shape', type: 'ordinal', domain: TONES, range: ['triangle-up', 'circle', 'triangle-down'] },
    ],
    axes: [
      { orient: 'bottom', scale: 'x', title: xTitle, grid: true, format: '~r', labelOverlap: true },
      { orient: 'left', scale: 'y', labelLimit: 300, ticks: false, domain: false, labelPadding: 8 },
    ],
    marks: [
      {
        type: 'rule',
        encode: {
          enter: {
            x: { scale: 'x', value: 1 },
            y: { value: 0 },
            y2: { field: { group: 'height' } },
            stroke: { value: 'currentColor' },
            strokeDash: { value: [4, 3] },
          },
        },
      },
      {
        type: 'rule',
        from: { data: 'rows' },
        encode: {
          enter: {
            x: { scale: 'x', signal: 'isValid(datum.low) ? datum.low : datum.value' },
            x2: { scale: 'x', signal: 'isValid(datum.high) ? datum.high : datum.value' },
            y: { scale: 'y', field: 'name', band: 0.5 },
            stroke: { scale: 'color', field: 'tone' },
            strokeWidth: { value: 2.4 },
          },
        },
      },
      {
        type: 'symbol',
        from: { data: 'rows' },
        encode: {
          enter: {
            x: { scale: 'x', field: 'value' },
            y: { scale: 'y', field: 'name', band: 0.5 },
            fill: { scale: 'color', field: 'tone' },
            shape: { scale: 'shape', field: 'tone' },
            size: { value: 80 },
          },
        },
      },
    ],
  };
  return renderChart(spec);
}
