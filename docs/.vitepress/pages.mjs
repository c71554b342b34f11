// Which file of the repository is which page of the site.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const DOCS = join(ROOT, 'docs');
/** What tools/site/src/generate-pages.mjs writes; git ignores it. */
export const GENERATED = join(DOCS, 'generated');

/** The published packages and the command, by their folder in the repository. */
export function packageFolders() {
  const names = readdirSync(join(ROOT, 'packages')).map((name) => `packages/${name}`);
  return [...names, 'apps/cli'].filter((folder) => {
    const manifest = join(ROOT, folder, 'package.json');
    return existsSync(manifest) && !JSON.parse(readFileSync(manifest, 'utf8')).private;
  });
}

/** Generated pages that are copies of a file of the repository: path in `docs/generated` to path in the repository. */
export function copies() {
  const readmes = packageFolders().map((folder) => [
    `packages/${posix.basename(folder)}.md`,
    posix.join(folder, 'README.md'),
  ]);
  return Object.fromEntries([...readmes, ['contributing/index.md', 'CONTRIBUTING.md']]);
}

/** Pages of the site that stand for a folder of the repository. */
function folderPages() {
  const packages = packageFolders().map((folder) => [folder, `/packages/${posix.basename(folder)}`]);
  return { ...Object.fromEntries(packages), 'docs/decisions': '/decisions/', 'docs/results': '/results/' };
}

/** The path in the repository of what a page was made from, with `/` between folders. */
export function sourceOf(file) {
  const generated = relative(GENERATED, file).split(sep).join('/');
  if (!generated.startsWith('..')) return copies()[generated] ?? `docs/${generated}`;
  return relative(ROOT, file).split(sep).join('/');
}

/** The address in the site of a file or folder of the repository; undefined where it is no page. */
export function addressOf(path) {
  const copy = Object.entries(copies()).find(([, source]) => source === path)?.[0];
  if (copy !== undefined) return `/${copy.replace(/(index)?\.md$/, '')}`;
  const folder = folderPages()[path];
  if (folder !== undefined) return folder;
  if (!path.startsWith('docs/') || !path.endsWith('.md')) return undefined;
  return path
    .slice('docs'.length)
    .replace(/(^|\/)index\.md$/, '$1')
    .replace(/\.md$/, '');
}
