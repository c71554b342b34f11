// A small workspace for the tests of the rules.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readWorkspace } from './sources.mjs';

/**
 * Gives `use` a workspace of the given files, each the text by its path, in which `@learngene/a` is the package in
 * `packages/a`. Its folder is gone afterwards.
 */
export function withWorkspace(files, use) {
  const root = mkdtempSync(join(tmpdir(), 'learngene-house-'));
  try {
    execFileSync('git', ['init', '--quiet'], { cwd: root });
    for (const [path, text] of Object.entries({
      'package.json': '{}',
      '.gitignore': 'node_modules\ndist\n',
      ...files,
    })) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    mkdirSync(join(root, 'node_modules', '@learngene'), { recursive: true });
    for (const name of new Set(Object.keys(files).flatMap((path) => path.match(/^packages\/([^/]+)\//)?.[1] ?? []))) {
      symlinkSync(join(root, 'packages', name), join(root, 'node_modules', '@learngene', name), 'junction');
    }
    return use(readWorkspace(root));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** The package.json of `@learngene/<name>`, whose entries are `src/index.ts` and, where asked for, `src/node.ts`. */
export function manifest(name, subpaths = ['.']) {
  const file = (subpath) => (subpath === '.' ? './src/index.ts' : `./src/${subpath.slice(2)}.ts`);
  const exports = Object.fromEntries(subpaths.map((subpath) => [subpath, { '@learngene/source': file(subpath) }]));
  return JSON.stringify({ name: `@learngene/${name}`, exports });
}
