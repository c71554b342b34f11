import { describe, expect, test } from 'vitest';
import { intervalChart } from './interval-chart';
import { lineChart } from './line-chart';
import { reportPage } from './page';

const evil = `<script src="https://evil.example/x.js">alert('1' & "2")</script>`;

describe('reportPage', () => {
  test('escapes every text', () => {
    const page = reportPage(evil, evil, [
      { kind: 'text', title: evil, text: evil },
      { kind: 'table', title: evil, note: evil, header: [evil], rows: [[evil]] },
      { kind: 'chart', svg: '<svg></svg>', note: evil },
      { kind: 'image', title: evil, note: evil, png: Uint8Array.of(1, 2, 3), rowNames: [evil] },
      { kind: 'list', title: evil, note: evil, items: [evil] },
      { kind: 'charts', title: evil, note: evil, charts: [{ svg: '<svg></svg>', title: evil, note: evil }] },
      { kind: 'gallery', title: evil, images: [{ title: evil, note: evil, png: Uint8Array.of(1) }] },
      { kind: 'code', title: evil, note: evil, code: evil },
      {
        kind: 'details',
        title: evil,
        sections: [{ kind: 'table', minor: true, title: evil, header: [evil], rows: [[{ text: evil, tone: 'bad' }]] }],
      },
    ]);
    expect(page).not.toContain('<script');
    expect(page).not.toContain(`"https:`);
    expect(page).toContain(
      '&lt;script src=&quot;https://evil.example/x.js&quot;&gt;alert(&#39;1&#39; &amp; &quot;2&quot;)',
    );
    expect(page).toContain('src="data:image/png;base64,AQID"');
  });

  test('links to its parts from eight headings on, details and lone charts not counted', () => {
    const parts = (count: number) =>
      Array.from({ length: count }, (_, i) => ({ kind: 'text' as const, title: `Part ${i}`, text: 'a' }));
    const uncounted = [
      { kind: 'details' as const, title: 'More', sections: [] },
      { kind: 'chart' as const, svg: '<svg></svg>', title: 'A chart' },
      { kind: 'text' as const, text: 'untitled' },
    ];
    expect(reportPage('T', 'S', [...uncounted, ...parts(7)])).not.toContain('<nav');
    const page = reportPage('T', 'S', [...uncounted, ...parts(8)]);
    const links = [...page.matchAll(/<a href="#([^"]+)">([^<]+)<\/a>/g)].map(([, anchor, text]) => [anchor, text]);
    expect(links).toEqual(parts(8).map(({ title }, i) => [`part-${i + 4}`, title]));
    for (const [anchor, text] of links) expect(page).toContain(`<section id="${anchor}"><h2>${text}</h2>`);
  });
});

describe('lineChart', () => {
  const points = (ys: number[]) => ys.map((y, x) => ({ x, y }));
  test('escapes its texts', async () => {
    const svg = await lineChart([{ name: evil, points: points([1, 2]) }], { title: evil, xTitle: evil, yTitle: evil });
    expect(svg).not.toContain('<script');
  });
  test.each<[string, number[]]>([
    ['a curve', [1, 0.5, 0.25]],
    ['one point', [0.3]],
    ['points that a logarithmic axis does not show', [0, -1]],
  ])('%s, with no reference to the network', async (_, ys) => {
    for (const logY of [true, false]) {
      const svg = await lineChart([{ name: 'a', points: points(ys) }], { title: 'a', xTitle: 'x', yTitle: 'y', logY });
      expect(svg).toMatch(/^<svg/);
      expect(svg).not.toMatch(/(href|src)=|url\(/);
      expect(svg).not.toMatch(/ (d|transform)="[^"]*NaN/);
    }
  });
});

describe('intervalChart', () => {
  const labels = { title: evil, xTitle: evil };
  test.each<[string, Parameters<typeof intervalChart>[0]]>([
    ['one row', [{ name: evil, value: 1.2, tone: 'bad' }]],
    [
      'some rows, some that cannot be shown',
      [
        { name: 'a', value: 1.2, low: 1.1, high: 3, tone: 'bad' },
        { name: 'b', value: 0.8, tone: 'good' },
        { name: 'c', value: -1, tone: 'neutral' },
        { name: 'd', value: 1, low: 0, high: 2, tone: 'neutral' },
      ],
    ],
  ])('%s', async (_, rows) => {
    const svg = await intervalChart(rows, labels);
    expect(svg).toMatch(/^<svg/);
    expect(svg).not.toContain('<script');
    expect(svg).not.toMatch(/ (d|transform|x2|y2)="[^"]*(NaN|Infinity)/);
  });
});

test('bands are drawn where points have them', async () => {
  const points = [1, 2, 3].map((x) => ({ x, y: 2 / x, low: 1 / x, high: x === 2 ? -1 : 3 / x }));
  const options = { title: 'a', xTitle: 'x', yTitle: 'y' };
  const svg = await lineChart([{ name: 'a', points, strong: true }], {
    ...options,
    logX: true,
    logY: true,
    dots: true,
  });
  expect(svg).toContain('fill-opacity="0.16"');
  expect(svg).not.toMatch(/ (d|transform)="[^"]*NaN/);
});
