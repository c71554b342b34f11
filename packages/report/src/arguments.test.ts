import { describe, expect, test } from 'vitest';
import { imageGrid } from './image-grid';
import { intervalChart } from './interval-chart';
import { lineChart } from './line-chart';
import { reportMarkdown } from './markdown';
import { gridPng } from './node-grid-png';
import { reportPage } from './page';
import { takePerClass } from './take-per-class';

/** Whatever plain JavaScript may give. */
// biome-ignore lint/suspicious/noExplicitAny: the types refuse what these tests give
type Any = any;

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
const labels = { title: 't', xTitle: 'x', yTitle: 'y' };
const point = { x: 1, y: 2 };
const line = (series: Any, options: Any = labels) => lineChart(series, options);
const points = (...given: Any[]) => line([{ name: 'a', points: given }]);
const row = { name: 'a', value: 1, tone: 'good' };
const interval = (rows: Any, options: Any = { title: 't', xTitle: 'x' }) => intervalChart(rows, options);
const one = { data: Uint8Array.of(1), count: 1, height: 1, width: 1, channels: 1 };

const OF_CHARTS: [call: () => Promise<unknown>, message: string][] = [
  [() => line(null), 'series: expected an array of at least 1, got null'],
  [() => line([]), 'series: expected an array of at least 1, got an array of 0'],
  [() => line([null]), 'series[0]: expected an object of name, points, strong, faint, got null'],
  [() => line([{ name: 'a', points: [] }]), 'series[0].points: expected an array of at least 1, got an array of 0'],
  [() => line([{ name: 'a' }]), 'series[0].points: expected an array of at least 1, got undefined'],
  [() => line([{ points: [point] }]), 'series[0].name: expected a string, got undefined'],
  [() => line([{ name: 'a', points: [point], bold: 1 }]), "expected only name, points, strong, faint, got 'bold'"],
  [() => line([{ name: 'a', points: [point], strong: 1 }]), 'series[0].strong: expected true or false, got 1'],
  [() => line([{ name: 'a', points: [point], faint: 1 }]), 'series[0].faint: expected true or false, got 1'],
  [() => points(null), 'series[0].points[0]: expected an object of x, y, low, high, got null'],
  [() => points([1, 2]), 'series[0].points[0]: expected an object of x, y, low, high, got an array of 2'],
  [() => points(point, { x: nan, y: 1 }), 'series[0].points[1].x: expected a finite number, got NaN'],
  [() => points({ x: 1, y: infinity }), 'series[0].points[0].y: expected a finite number, got Infinity'],
  [() => points({ x: 1, y: '2' }), "series[0].points[0].y: expected a finite number, got '2'"],
  [() => points({ ...point, low: null }), 'series[0].points[0].low: expected a finite number, got null'],
  [() => points({ ...point, high: nan }), 'series[0].points[0].high: expected a finite number, got NaN'],
  [() => points({ ...point, hi: 1 }), "series[0].points[0]: expected only x, y, low, high, got 'hi'"],
  [
    () => line([{ name: 'a', points: [{ x: 0, y: 1 }] }], { ...labels, logX: true }),
    'series[0].points[0].x: expected a finite number above 0, got 0',
  ],
  [() => line([{ name: 'a', points: [point] }], null), 'options: expected an object of title, xTitle'],
  [() => line([{ name: 'a', points: [point] }], { ...labels, log: true }), "got 'log'"],
  [() => line([{ name: 'a', points: [point] }], { ...labels, logY: 1 }), 'options.logY: expected true or false, got 1'],
  [() => line([{ name: 'a', points: [point] }], { title: 't', xTitle: 'x' }), 'options.yTitle: expected a string'],
  [
    () => line([{ name: 'a', points: [point] }], { ...labels, legend: 'left' }),
    "options.legend: expected right or bottom or none, got 'left'",
  ],
  [
    () => line([{ name: 'a', points: [point] }], { ...labels, size: { width: 0, height: 1 } }),
    'options.size.width: expected a finite number above 0, got 0',
  ],
  [() => interval(undefined), 'rows: expected an array of at least 1, got undefined'],
  [() => interval([]), 'rows: expected an array of at least 1, got an array of 0'],
  [() => interval([null]), 'rows[0]: expected an object of name, value, low, high, tone, got null'],
  [() => interval([{ ...row, value: nan }]), 'rows[0].value: expected a finite number, got NaN'],
  [() => interval([{ ...row, low: '1' }]), "rows[0].low: expected a finite number, got '1'"],
  [() => interval([{ ...row, tone: 'fine' }]), 'rows[0].tone: expected good or neutral or bad, got fine'],
  [() => interval([{ ...row, mean: 1 }]), "rows[0]: expected only name, value, low, high, tone, got 'mean'"],
  [() => interval([row], null), 'options: expected an object of title, xTitle, got null'],
  [
    () => interval([row], { title: 't', xTitle: 'x', yTitle: 'y' }),
    "options: expected only title, xTitle, got 'yTitle'",
  ],
];

test.each(OF_CHARTS)('a chart is refused: %#', async (call, message) => {
  await expect(call()).rejects.toThrow(message);
  await expect(call()).rejects.toBeInstanceOf(RangeError);
});

const OF_IMAGES: [images: Any, message: string][] = [
  [null, 'images: expected an object of data, count, height, width, channels, got null'],
  [{ ...one, data: [1] }, 'images.data: expected a Uint8Array, got an array of 1'],
  [{ ...one, data: Float32Array.of(1) }, 'images.data: expected a Uint8Array, got Float32Array'],
  [{ ...one, data: undefined }, 'images.data: expected a Uint8Array, got undefined'],
  [{ ...one, labels: [] }, "images: expected only data, count, height, width, channels, got 'labels'"],
];

test.each(OF_IMAGES)('images are refused: %#', async (images, message) => {
  expect(() => imageGrid(images, 1)).toThrow(message);
  expect(() => takePerClass(images, 1, 1)).toThrow(message);
  await expect(gridPng(images, 1)).rejects.toThrow(message);
});

const text = { kind: 'text', text: 'a' };
const table = { kind: 'table', title: 'a', header: ['b'], rows: [['c']] };
const OF_SECTIONS: [sections: Any, message: string][] = [
  [null, 'sections: expected an array, got null'],
  [[text, null], 'sections[1]: expected a section, got null'],
  [
    [{ kind: 'video', title: 'a' }],
    'sections[0].kind: expected one of text, list, table, chart, charts, image, gallery',
  ],
  [[{ text: 'a' }], 'code, details, got undefined'],
  [[{ kind: 'text' }], 'sections[0].text: expected a string, got undefined'],
  [[{ ...text, note: 'a' }], "sections[0]: expected only kind, text, title, got 'note'"],
  [
    [{ ...table, rows: [['c'], ['d', 'e']] }],
    'sections[0].rows[1]: expected at most 1 cells, as the header has, got 2',
  ],
  [[{ ...table, rows: [[3]] }], 'sections[0].rows[0][0]: expected an object of text, tone, got 3'],
  [[{ ...table, rows: [[{ text: 'a', tone: 'fine' }]] }], 'sections[0].rows[0][0].tone: expected good or bad'],
  [[{ ...table, minor: 1 }], 'sections[0].minor: expected true or false, got 1'],
  [[{ kind: 'list', items: 'a' }], "sections[0].items: expected an array, got 'a'"],
  [[{ kind: 'chart' }], 'sections[0].svg: expected a string, got undefined'],
  [[{ kind: 'charts', charts: [{ svg: 1 }] }], 'sections[0].charts[0].svg: expected a string, got 1'],
  [[{ kind: 'image', title: 'a', png: 'b' }], "sections[0].png: expected a Uint8Array, got 'b'"],
  [
    [{ kind: 'gallery', title: 'a', images: [{ title: 'b', png: [1] }] }],
    'sections[0].images[0].png: expected a Uint8',
  ],
  [
    [{ kind: 'image-table', title: 'a', header: ['b'], rows: [{ name: 'c', images: [Uint8Array.of(1)] }] }],
    'sections[0].rows[0]: expected at most 1 cells, as the header has, got 2',
  ],
  [
    [{ kind: 'image-table', title: 'a', header: ['b', 'c'], rows: [{ name: 'd', images: ['e'] }] }],
    "sections[0].rows[0].images[0]: expected a Uint8Array, got 'e'",
  ],
  [[{ kind: 'code', code: null }], 'sections[0].code: expected a string, got null'],
  [[{ kind: 'details', title: 'a', sections: [text, { kind: 'x' }] }], 'sections[0].sections[1].kind: expected one of'],
];

describe('reports', () => {
  test.each(OF_SECTIONS)('a section is refused: %#', (sections, message) => {
    expect(() => reportPage('a', 'b', sections)).toThrow(message);
    expect(() => reportMarkdown(sections, { folder: 'a' })).toThrow(message);
  });
  test('so are other arguments', () => {
    expect(() => reportPage(null as Any, 'b', [])).toThrow('title: expected a string, got null');
    expect(() => reportPage('a', undefined as Any, [])).toThrow('subtitle: expected a string, got undefined');
    expect(() => reportMarkdown([], undefined as Any)).toThrow('options: expected an object of folder, got undefined');
    expect(() => reportMarkdown([], {} as Any)).toThrow('options.folder: expected a string, got undefined');
    expect(() => reportMarkdown([], { folder: 'a', dir: 'b' } as Any)).toThrow(
      "options: expected only folder, got 'dir'",
    );
  });
});
