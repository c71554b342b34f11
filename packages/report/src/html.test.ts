import { describe, expect, test } from 'vitest';
import { sectionHtml } from './html';
import type { Section } from './sections';

const png = Uint8Array.of(1, 2, 3);

describe('sectionHtml', () => {
  test.each<[string, Section, string]>([
    ['text', { kind: 'text', title: 'T', text: 'a\n\nb & c' }, '<h2>T</h2><p>a</p><p>b &amp; c</p>'],
    [
      'a list',
      { kind: 'list', note: 'n', items: ['a', '<b>'] },
      '<p class="note">n</p><ul><li>a</li><li>&lt;b&gt;</li></ul>',
    ],
    [
      'a table, with tones and long cells',
      {
        kind: 'table',
        title: 'T',
        note: 'n',
        header: ['h', 'i'],
        rows: [
          [
            { text: 'r', tone: 'strong' },
            { text: 'x', tone: 'good' },
          ],
          ['s', 'y'.repeat(45)],
        ],
      },
      '<h2>T</h2><p class="note">n</p><div class="wide" role="region" tabindex="0" aria-label="T"><table>' +
        '<thead><tr><th scope="col">h</th><th scope="col">i</th></tr></thead>' +
        '<tbody><tr><th scope="row" class="strong">r</th><td class="good">x</td></tr>' +
        `<tr><th scope="row">s</th><td class="long">${'y'.repeat(45)}</td></tr></tbody></table></div>`,
    ],
    [
      'a minor table, whose note is below it',
      { kind: 'table', minor: true, title: 'T', note: 'n', header: ['h'], rows: [] },
      '<div class="wide" role="region" tabindex="0" aria-label="T"><table><caption>T</caption>' +
        '<thead><tr><th scope="col">h</th></tr></thead><tbody></tbody></table></div><p class="note">n</p>',
    ],
    [
      'a chart, with its title for those who do not see it',
      { kind: 'chart', svg: '<svg width="1"></svg>', title: 'T "1"', note: 'n' },
      '<figure><svg role="img" aria-label="T &quot;1&quot;" width="1"></svg><figcaption>n</figcaption></figure>',
    ],
    [
      'charts side by side',
      { kind: 'charts', title: 'T', charts: [{ svg: '<svg></svg>' }] },
      '<h2>T</h2><div class="charts"><figure><svg></svg></figure></div>',
    ],
    [
      'an image with the names of its rows',
      { kind: 'image', title: 'T', png, rowNames: ['a', 'b'] },
      '<h2>T</h2><p class="note">Rows: a · b</p><img alt="T" src="data:image/png;base64,AQID">',
    ],
    [
      'a gallery',
      { kind: 'gallery', title: 'T', images: [{ title: 'one', note: 'FID 3', png }] },
      '<h2>T</h2><div class="gallery"><figure><img loading="lazy" alt="Samples: one" src="data:image/png;base64,AQID">' +
        '<figcaption><b>one</b> FID 3</figcaption></figure></div>',
    ],
    [
      'pictures in rows and columns',
      {
        kind: 'image-table',
        title: 'T',
        header: ['class', 'step 1', 'real'],
        rows: [{ name: 'a & b', images: [png, undefined] }],
      },
      '<h2>T</h2><div class="wide images" role="region" tabindex="0" aria-label="T"><table>' +
        '<thead><tr><th scope="col">class</th><th scope="col">step 1</th><th scope="col">real</th></tr></thead>' +
        '<tbody><tr><th scope="row">a &amp; b</th><td><img alt="a &amp; b, step 1" ' +
        'src="data:image/png;base64,AQID"></td><td></td></tr></tbody></table></div>',
    ],
    ['code', { kind: 'code', code: 'a < b' }, '<pre tabindex="0"><code>a &lt; b</code></pre>'],
    [
      'details, whose headings are a level lower',
      { kind: 'details', title: 'T', sections: [{ kind: 'text', title: 'U', text: 'a' }] },
      '<details><summary>T</summary><h3>U</h3><p>a</p></details>',
    ],
  ])('%s', (_, section, html) => {
    expect(sectionHtml(section)).toBe(html);
  });
});
