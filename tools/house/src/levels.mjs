// The level of every package, which turbo boundaries holds its imports to. A package without one would be held to nothing.
import { dirname } from 'node:path/posix';

/**
 * Finds packages without exactly one tag among those that the root's turbo.json knows, and levels whose packages may import
 * other than those below.
 */
export function packageLevels(workspace) {
  const json = (path) => JSON.parse(workspace.text(path));
  const { tags } = json('turbo.json').boundaries;
  const level = (tag) => Number(tag.match(/^level-(\d+)$/)?.[1]);
  const levels = Object.keys(tags).filter((tag) => !Number.isNaN(level(tag)));
  const rules = levels.flatMap((tag) => {
    const expected = [...levels.filter((other) => level(other) < level(tag)), 'testing'].sort().join(', ');
    const got = [...(tags[tag].dependencies?.allow ?? [])].sort().join(', ');
    return got === expected ? [] : [`turbo.json: ${tag} may import ${got || 'nothing'}, expected ${expected}`];
  });
  const untagged = workspace.files
    .filter((path) => path.endsWith('/package.json') && json(path).name !== undefined)
    .map((path) => dirname(path))
    .flatMap((folder) => {
      const path = `${folder}/turbo.json`;
      const own = workspace.files.includes(path) ? (json(path).tags ?? []) : [];
      const known = own.filter((tag) => Object.hasOwn(tags, tag));
      return known.length === 1
        ? []
        : [`${path}: expected one tag of ${Object.keys(tags).join(', ')}, got ${JSON.stringify(own)}`];
    });
  return [...rules, ...untagged];
}
