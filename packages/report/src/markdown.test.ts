import { expect, test } from 'vitest';
import { reportMarkdown } from './markdown';

const evil = '<script>`a|b` *c* [d](e)';

test('texts mean themselves, files are named and never twice the same', () => {
  const png = Uint8Array.of(1, 2, 3);
  const { text, assets } = reportMarkdown(
    [
      { kind: 'text', title: evil, text: `${evil}\n\nsecond` },
      { kind: 'list', items: [evil] },
      { kind: 'table', title: 'T', note: 'n', header: ['a', 'b'], rows: [[evil, { text: 'x', tone: 'strong' }]] },
      { kind: 'chart', svg: '<svg width="1"></svg>', title: 'My chart!', note: 'below' },
      { kind: 'charts', title: 'More', charts: [{ svg: '<svg></svg>', title: 'My chart?' }] },
      { kind: 'image', title: 'P', png },
      { kind: 'gallery', title: 'G', images: [{ title: 'one', note: 'FID 3', png, file: 'mine' }] },
      { kind: 'details', title: 'More of it', sections: [{ kind: 'code', code: 'npm run x\n' }] },
    ],
    { folder: 'out' },
  );
  expect([...assets.keys()]).toEqual(['out/my-chart.svg', 'out/my-chart-2.svg', 'out/p.png', 'out/mine.png']);
  for (const path of assets.keys()) expect(text).toContain(`](${path})`);
  expect(text).not.toContain('<script');
  expect(text).toContain('| &lt;script\\>\\`a\\|b\\` \\*c\\* \\[d\\](e) | **x** |');
  expect(text).toContain('<details><summary>More of it</summary>\n\n```\nnpm run x\n```\n\n</details>');
  expect(assets.get('out/my-chart.svg')).toMatch(/^<svg width="1"><style>.*prefers-color-scheme/);
});

test('empty cells, bold ones, tables with a caption and galleries of four a row', () => {
  const png = Uint8Array.of(1);
  const { text } = reportMarkdown(
    [
      {
        kind: 'table',
        minor: true,
        title: 'T',
        note: 'below',
        header: ['a', 'b'],
        rows: [
          ['x', { text: '', tone: 'strong' }],
          [{ text: 'y', tone: 'good' }, 'z\n z'],
        ],
      },
      { kind: 'gallery', title: 'G', images: ['1', '2', '3', '4', '5'].map((title) => ({ title, png })) },
    ],
    { folder: 'out' },
  );
  expect(text).toBe(
    [
      '**T**',
      '| a | b |\n| --- | --- |\n| x |  |\n| y | z z |',
      'below',
      '## G',
      [
        '|   |   |   |   |',
        '| --- | --- | --- | --- |',
        '| ![1](out/g-1.png)<br>1 | ![2](out/g-2.png)<br>2 | ![3](out/g-3.png)<br>3 | ![4](out/g-4.png)<br>4 |',
        '| ![5](out/g-5.png)<br>5 |  |  |  |',
      ].join('\n'),
    ].join('\n\n'),
  );
});

test('pictures in rows and columns are a table of images', () => {
  const png = Uint8Array.of(1);
  const rows = [{ name: 'owl', images: [png, undefined] }];
  const section = { kind: 'image-table' as const, title: 'Samples', header: ['class', 'step 1', 'real'], rows };
  const { text, assets } = reportMarkdown([section], { folder: 'f' });
  expect(text).toBe(
    '## Samples\n\n| class | step 1 | real |\n| --- | --- | --- |\n| owl | ![Samples owl step 1](f/samples-owl-step-1.png) |  |',
  );
  expect([...assets]).toEqual([['f/samples-owl-step-1.png', png]]);
});
