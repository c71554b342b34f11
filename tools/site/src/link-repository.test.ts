import { join } from 'node:path';
import { expect, test } from 'vitest';
import { resolveLink } from '../../../docs/.vitepress/link-repository.mjs';
import { DOCS, GENERATED } from '../../../docs/.vitepress/pages.mjs';

const link = (href: string, file = join(DOCS, 'bundles.md')) => resolveLink(href, file, 'https://host/repo');

test.each([
  ['a page', 'latents.md#the-demo', '/latents#the-demo'],
  ['a README of a package', '../packages/kind/README.md', '/packages/kind'],
  ['a folder of a package', '../packages/kind#another-network', '/packages/kind#another-network'],
  ['a folder of pages', 'decisions', '/decisions/'],
  ['a file that is no page', '../LICENSE', 'https://host/repo/blob/main/LICENSE'],
  ['a folder that is no page', '../examples', 'https://host/repo/tree/main/examples'],
  ['a picture', 'assets/demo-latents.png', 'assets/demo-latents.png'],
  ['another server', 'https://example.org/x', 'https://example.org/x'],
  ['the page itself', '#the-base', '#the-base'],
])('%s', (_, href, address) => expect(link(href)).toBe(address));

test('a copy of a README is linked as the README is', () => {
  const copy = join(GENERATED, 'packages', 'cli.md');
  expect(link('../../docs/latents.md#the-demo', copy)).toBe('/latents#the-demo');
  expect(link('../../packages/nn', copy)).toBe('/packages/nn');
});

test('a link to nothing is an error that names page and link', () => {
  expect(() => link('../packages/none')).toThrow(
    'docs/bundles.md: the link ../packages/none leads to no file (packages/none)',
  );
});
