import { describe, expect, test } from 'vitest';
import { lineChart } from './charts';
import { reportPage } from './page';

const evil = `<script src="https://evil.example/x.js">alert('1' & "2")</script>`;

describe('reportPage', () => {
  test('escapes every text', () => {
    const page = reportPage(evil, evil, [
      { kind: 'text', title: evil, text: evil },
      { kind: 'table', title: evil, note: evil, header: [evil], rows: [[evil]] },
      { kind: 'chart', svg: '<svg></svg>', note: evil },
      { kind: 'picture', title: evil, note: evil, png: Uint8Array.of(1, 2, 3), rowNames: [evil] },
    ]);
    expect(page).not.toContain('<script');
    expect(page).not.toContain(`"https:`);
    expect(page).toContain(
      '&lt;script src=&quot;https://evil.example/x.js&quot;&gt;alert(&#39;1&#39; &amp; &quot;2&quot;)',
    );
    expect(page).toContain('src="data:image/png;base64,AQID"');
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
    ['no point', []],
    ['numbers that are none', [Number.NaN, Number.POSITIVE_INFINITY, 0, -1]],
  ])('%s, with no reference to the network', async (_, ys) => {
    for (const logY of [true, false]) {
      const svg = await lineChart([{ name: 'a', points: points(ys) }], { title: 'a', xTitle: 'x', yTitle: 'y', logY });
      expect(svg).toMatch(/^<svg/);
      expect(svg).not.toMatch(/(href|src)=|url\(/);
      expect(svg).not.toMatch(/ (d|transform)="[^"]*NaN/);
    }
  });
});
