import { expect, test } from 'vitest';
import { folderCycles } from './folder-cycles.mjs';
import { manifest, withWorkspace } from './workspace-of.mjs';

/** The circles of a package of the given files below src. */
const circles = (files: Readonly<Record<string, string>>): string[] =>
  withWorkspace(
    {
      'packages/a/package.json': manifest('a'),
      ...Object.fromEntries(Object.entries(files).map(([path, text]) => [`packages/a/src/${path}`, text])),
    },
    folderCycles,
  );

test('two folders that import each other are a circle, with an import for each side', () => {
  const found = circles({
    'index.ts': "export * from './x/one';\nexport * from './y/two';",
    'x/one.ts': "import { two } from '../y/two';\nexport const one = two;",
    'x/other.ts': 'export const other = 1;',
    'y/two.ts': "\nimport { other } from '../x/other';\nexport const two = other;",
  });
  expect(found).toEqual([
    [
      'packages/a/src/x, packages/a/src/y import each other',
      '    packages/a/src/x/one.ts:1 imports packages/a/src/y/two.ts',
      '    packages/a/src/y/two.ts:2 imports packages/a/src/x/other.ts',
    ].join('\n'),
  ]);
});

test.each([
  ['a type', "import type { Two } from '../y/two';"],
  ['a type inside an expression', "export type One = import('../y/two').Two;"],
  ['a dynamic import', "export const one = () => import('../y/two');"],
  ['an export', "export { two } from '../y/two';"],
  ['a path that a worker starts from', "export const one = new URL('../y/two.ts', import.meta.url);"],
])('%s counts', (_, one) => {
  const found = circles({ 'x/one.ts': one, 'x/other.ts': 'export {};', 'y/two.ts': "import '../x/other';" });
  expect(found).toHaveLength(1);
});

test('longer circles and those of a folder with one inside it are found', () => {
  const long = circles({
    'x/a.ts': "import '../y/a';",
    'y/a.ts': "import '../z/a';",
    'z/a.ts': "import '../x/b';",
    'x/b.ts': '',
  });
  expect(long).toEqual([expect.stringContaining('src/x, packages/a/src/y, packages/a/src/z import each other')]);
  const inner = circles({ 'x/a.ts': "import './y/a';", 'x/y/a.ts': "import '../b';", 'x/b.ts': '' });
  expect(inner).toEqual([expect.stringContaining('src/x, packages/a/src/x/y import each other')]);
});

test('the files directly in src are a folder, and an entry stands apart', () => {
  const entry = { 'index.ts': "export * from './x/one';", 'checks.ts': '', 'x/one.ts': "import '../checks';" };
  expect(circles(entry)).toEqual([]);
  const both = { ...entry, 'whole.ts': "import './x/one';", 'index.ts': "export * from './whole';" };
  expect(circles(both)).toEqual([expect.stringContaining('packages/a/src, packages/a/src/x import each other')]);
  const back = { ...entry, 'x/one.ts': "import type {} from '../index';" };
  expect(circles(back)).toEqual([expect.stringContaining('packages/a/src, packages/a/src/x import each other')]);
});

test('tests are left out, and so are files of one folder, comments and other packages', () => {
  expect(
    circles({
      'x/one.ts': "// import '../y/two';\nimport './two';",
      'x/two.ts': "import './one';",
      'x/one.test.ts': "import '../y/two';",
      'y/two.ts': "import '../x/one';\nimport '@learngene/a';",
    }),
  ).toEqual([]);
});
