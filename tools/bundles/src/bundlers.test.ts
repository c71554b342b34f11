import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it as test } from 'vitest';
import { bundlers } from './bundlers.mjs';
import { makeProject } from './project.mjs';

const project = makeProject({
  'clean.js': "export * from 'library';\n",
  'node.js': "export { nameOf } from 'library/node.js';\n",
  'shims.js': "export { shimmed } from 'library/shims.js';\n",
  'missing-name.js': "export { nothing } from 'library';\n",
  'missing-module.js': "export * from 'no-such-library';\n",
});
const library = join(project.folder, 'node_modules', 'library');
mkdirSync(library);
for (const [name, source] of Object.entries({
  'package.json': '{ "name": "library", "type": "module", "main": "index.js", "sideEffects": false }',
  'index.js': 'export const one = 1;\n',
  'node.js': "import { basename } from 'node:path';\nexport const nameOf = (path) => basename(path);\n",
  // What tsup's shims left in a file: imports that nothing uses.
  'shims.js':
    "import 'path';\nimport { fileURLToPath } from 'url';\nexport const shimmed = () => fileURLToPath(import.meta.url);\n",
})) {
  writeFileSync(join(library, name), source);
}
afterAll(() => project.remove());

describe.each(Object.entries(bundlers))('%s', (_name, bundle) => {
  test('has nothing to say of a module for browsers', async () => {
    expect(await bundle(project.folder, ['clean.js'])).toEqual([]);
  });

  test.each([
    ['node.js', /path/],
    ['shims.js', /path|url/],
    ['missing-name.js', /nothing/],
    ['missing-module.js', /no-such-library/],
  ])('complains of %s, beside a clean module', async (module, text) => {
    expect((await bundle(project.folder, ['clean.js', module])).join('\n')).toMatch(text);
  });
});
