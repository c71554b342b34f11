import { describe, expect, test } from 'vitest';
import { HOVER_MARK, type HoverData, withoutHover } from './hover-data';
import { lineChart } from './line-chart';
import { reportMarkdown } from './markdown';
import { reportPage } from './page';

const labels = { title: 'Loss', xTitle: 'step', yTitle: 'loss' };
const unescaped = (text: string) =>
  text.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
const dataOf = (svg: string) =>
  JSON.parse(unescaped(/<metadata class="values">([^<]*)<\/metadata>/.exec(svg)?.[1] ?? '')) as HoverData;

/** Points of the drawn path of the first line, in units of the chart. */
function drawn(svg: string): [number, number][] {
  const [left, top] = /transform="translate\(([\d.]+),([\d.]+)\)"/.exec(svg)!.slice(1).map(Number);
  const path = /mark-line[\s\S]*?<path[^>]* d="([^"]+)"/.exec(svg)?.[1] ?? '';
  return [...path.matchAll(/[ML]([\d.]+),([\d.]+)/g)].map(([, x, y]) => [left + Number(x), top + Number(y)]);
}

describe('the values in a chart', () => {
  test.each([
    [false, false],
    [true, true],
    [false, true],
  ])('stand where the line is drawn (logX %s, logY %s)', async (logX, logY) => {
    const points = [1, 2, 5, 40].map((x) => ({ x, y: 3.5 / x }));
    const svg = await lineChart([{ name: '<a> & "b"', points }], { ...labels, logX, logY });
    const { area, x, y, lines } = dataOf(svg);
    expect(lines.map(([name]) => name)).toEqual(['<a> & "b"']);
    const [, , xs, ys] = lines[0];
    expect([xs, ys]).toEqual([points.map((point) => point.x), points.map((point) => point.y)]);
    const part = ({ log, domain: [a, b] }: HoverData['y'], value: number) =>
      log ? Math.log(value / a) / Math.log(b / a) : (value - a) / (b - a);
    const places = xs.map((value, i) => [
      area.left + part(x, value) * area.width,
      area.top + (1 - part(y, ys[i])) * area.height,
    ]);
    const path = drawn(svg);
    expect(path).toHaveLength(4);
    path.forEach(([left, top], i) => {
      expect(left).toBeCloseTo(places[i][0], 1);
      expect(top).toBeCloseTo(places[i][1], 1);
    });
  });

  test('a faint line has the colour of the line before it', async () => {
    const points = [1, 2].map((x) => ({ x, y: x }));
    const series = ['a', 'b', 'c'].map((name) => ({ name, points, faint: name === 'b' }));
    const [a, b, c] = dataOf(await lineChart(series, labels)).lines.map(([, color]) => color);
    expect(b).toBe(a);
    expect(c).not.toBe(a);
  });

  test('are read by the script of a page, and are not in files of Markdown', async () => {
    const svg = await lineChart([{ name: 'a', points: [{ x: 1, y: 2 }] }], labels);
    const sections = [{ kind: 'chart' as const, svg, title: 'Loss' }];
    expect(reportPage('t', 's', sections)).toMatch(/<script>[\s\S]*metadata\.values[\s\S]*<\/script><\/body>/);
    expect(reportPage('t', 's', [{ kind: 'text', text: HOVER_MARK }])).not.toContain('<script');
    const [file] = reportMarkdown(sections, { folder: 'f' }).assets.values();
    expect(file).not.toContain('metadata');
    expect(withoutHover(svg)).not.toContain('metadata');
  });
});
