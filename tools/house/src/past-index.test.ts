import { expect, test } from 'vitest';
import { importsPastIndex } from './past-index.mjs';
import { manifest, withWorkspace } from './workspace-of.mjs';

const found = (files: Readonly<Record<string, string>>): string[] =>
  withWorkspace(
    {
      'packages/a/package.json': manifest('a', ['.', './node']),
      'packages/a/src/index.ts': "export * from './one';",
      'packages/a/src/node.ts': '',
      'packages/a/src/one.ts': '',
      'packages/b/package.json': manifest('b'),
      ...files,
    },
    importsPastIndex,
  );

test('another package is imported by its name, at an entry that it exports', () => {
  const b = (text: string) => found({ 'packages/b/src/index.ts': text });
  expect(b("import '@learngene/a';\nimport type {} from '@learngene/a/node';")).toEqual([]);
  expect(b("import '@learngene/a/src/one';")).toEqual([
    "packages/b/src/index.ts:1 imports '@learngene/a/src/one', which no package exports",
  ]);
  expect(b("import '@learngene/c';")).toEqual([
    "packages/b/src/index.ts:1 imports '@learngene/c', which no package exports",
  ]);
  for (const path of ['../../a/src/one', '../../a/dist/one.js']) {
    expect(b(`\nimport '${path}';`)).toEqual([`packages/b/src/index.ts:2 imports '${path}', inside of packages/a`]);
  }
  expect(b("const worker = new URL('../../a/dist/worker.js', import.meta.url);")).toHaveLength(1);
});

test('scripts of the workspace, which no package.json gives names, import an exported source by path', () => {
  expect(found({ 'scripts/x.ts': "import '../packages/a/src/node';" })).toEqual([]);
  expect(found({ 'scripts/x.mjs': "import '../packages/a/src/one';" })).toEqual([
    "scripts/x.mjs:1 imports '../packages/a/src/one', inside of packages/a",
  ]);
});

test('a folder with an index.ts is imported at its index, by tests too', () => {
  const b = {
    'packages/b/src/x/index.ts': "export * from './one';",
    'packages/b/src/x/one.ts': '',
    'packages/b/src/x/one.test.ts': "import './one';",
    'packages/b/src/x/in/two.ts': "import '../one';",
    'packages/b/src/open/three.ts': '',
  };
  expect(found({ ...b, 'packages/b/src/index.ts': "export * from './x';\nimport './open/three';" })).toEqual([]);
  expect(found({ ...b, 'packages/b/src/index.ts': "import './x/in/two';" })).toEqual([
    "packages/b/src/index.ts:1 imports './x/in/two', past packages/b/src/x/index.ts",
  ]);
  expect(found({ ...b, 'packages/b/test/all.test.ts': "import '../src/x/one';" })).toEqual([
    "packages/b/test/all.test.ts:1 imports '../src/x/one', past packages/b/src/x/index.ts",
  ]);
});
