import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../..');

/** The headings of a page that are longer than a heading is; lines of code do not count. */
function longHeadings(page: string): string[] {
  const text = page.replace(/^```[\s\S]*?^```/gm, '');
  return text.split('\n').filter((line) => /^#{1,6} /.test(line) && line.length > 100);
}

test('a heading that has swallowed its paragraph is found', () => {
  expect(longHeadings(`# Title\nText.\n\`\`\`sh\n# ${'word '.repeat(30)}\n\`\`\``)).toEqual([]);
  expect(longHeadings(`# Title ${'word '.repeat(30)}`)).toHaveLength(1);
});

test('no page has a paragraph in a heading', () => {
  const pages = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], { cwd: root });
  const names = String(pages).trim().split('\n');
  expect(names.length).toBeGreaterThan(50);
  const found = names.flatMap((name) =>
    longHeadings(readFileSync(join(root, name), 'utf8')).map((h) => `${name}: ${h}`),
  );
  expect(found).toEqual([]);
});
