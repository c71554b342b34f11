import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const read = (...path: string[]) => readFileSync(join(root, ...path), 'utf8');
const document = read('docs', 'architecture.md');

/** The packages that have a level, by folder name, and the command. */
const FOLDERS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(readdirSync(join(root, 'packages')).map((name) => [name, `packages/${name}`])),
  cli: 'apps/cli',
};
const leveled = Object.keys(FOLDERS).filter((name) => name !== 'testing');

/** Our packages that a package depends on, optional peers included. */
function dependenciesOf(name: string): string[] {
  const { dependencies, peerDependencies } = JSON.parse(read(FOLDERS[name], 'package.json'));
  return Object.keys({ ...dependencies, ...peerDependencies })
    .filter((other) => other.startsWith('@learngene/'))
    .map((other) => other.slice('@learngene/'.length));
}

/** The levels that the chart draws, by package. */
function drawnLevels(): Map<string, string> {
  const blocks = document.matchAll(/subgraph L\d\[level (\d)\]\n([\s\S]*?) {2}end\n/g);
  return new Map(
    [...blocks].flatMap(([, level, names]) =>
      names
        .trim()
        .split(/\s+/)
        .map((name): [string, string] => [name.replace(/\[.*\]/, ''), `level-${level}`]),
    ),
  );
}

/** The arrows that the chart draws, from package to packages. */
function drawnArrows(): Map<string, string[]> {
  const arrows = new Map<string, string[]>();
  for (const [, from, to] of document.matchAll(/^ {2}([a-z-]+) -\.?-> (.+)$/gm)) {
    arrows.set(from, [...(arrows.get(from) ?? []), ...to.split(' & ')]);
  }
  return arrows;
}

/** All packages that a package reaches by the edges. */
function reached(name: string, edges: (name: string) => readonly string[]): string[] {
  const found = new Set<string>();
  const visit = (from: string) => {
    for (const to of edges(from)) {
      if (found.has(to)) continue;
      found.add(to);
      visit(to);
    }
  };
  visit(name);
  return [...found].sort();
}

describe('docs/architecture.md', () => {
  test('draws every package on its level', () => {
    const tags = leveled.map((name) => [name, JSON.parse(read(FOLDERS[name], 'turbo.json')).tags[0]]);
    expect(Object.fromEntries(drawnLevels())).toEqual(Object.fromEntries(tags));
  });

  test.each(leveled)('draws what %s imports, directly or through others, and nothing else', (name) => {
    const arrows = drawnArrows();
    expect(reached(name, (from) => arrows.get(from) ?? [])).toEqual(reached(name, dependenciesOf));
  });

  test('has a row for every package, and the README one for every published package', () => {
    const rows = Object.values(FOLDERS).filter((folder) => !document.includes(`| \`${folder}\` |`));
    expect(rows).toEqual([]);
    const readme = read('README.md');
    expect(leveled.filter((name) => !readme.includes(`| [\`@learngene/${name}\`](${FOLDERS[name]}) |`))).toEqual([]);
  });

  test.each(['trainer', 'transfer-benchmark'])('names every folder of %s', (name) => {
    const title = { trainer: 'The trainer', 'transfer-benchmark': 'The transfer benchmark' }[name];
    const section = document.split(`\n## ${title}\n`)[1].split('\n## ')[0];
    const named = [...section.matchAll(/^\| (.+?) \|/gm)].flatMap(([, cell]) => cell.match(/(?<=`)[\w-]+(?=`)/g) ?? []);
    const folders = readdirSync(join(root, FOLDERS[name], 'src'), { withFileTypes: true });
    expect(named.sort()).toEqual(folders.flatMap((each) => (each.isDirectory() ? [each.name] : [])).sort());
  });
});
