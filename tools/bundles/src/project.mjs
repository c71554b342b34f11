// The packages as a project of a user sees them.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/**
 * Packages that need Node; what others have under `/node` does too: a Rust addon, and a benchmark that is folders and processes
 * from end to end.
 */
const NODE_ONLY = ['@learngene/backend-native', '@learngene/transfer-benchmark'];

/**
 * The published packages.
 *
 * @returns {{ name: string; folder: string; manifest: Record<string, any> }[]}
 */
function publishedPackages() {
  const folders = readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name));
  return folders
    .filter((folder) => existsSync(join(folder, 'package.json')))
    .map((folder) => ({ folder, manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) }))
    .filter(({ manifest }) => !manifest.private)
    .map(({ folder, manifest }) => ({ name: manifest.name, folder, manifest }));
}

/**
 * What browsers import: each entry but `/node` and files of data of each package but those for Node, with its source and its
 * built file.
 *
 * @returns {{ name: string; source: string; file: string }[]}
 */
export function browserEntries() {
  return publishedPackages()
    .filter(({ name }) => !NODE_ONLY.includes(name))
    .flatMap(({ name, folder, manifest }) =>
      Object.entries(manifest.exports)
        .filter(([path, conditions]) => path !== './node' && typeof conditions === 'object')
        .map(([path, conditions]) => ({
          name: join(name, path).replaceAll('\\', '/'),
          source: join(folder, conditions['@learngene/source']),
          file: join(folder, conditions.import.default),
        })),
    );
}

/**
 * Finds an npm package as one of ours sees it; undefined where none depends on it.
 *
 * @param {string} name
 */
function installed(name) {
  for (const { folder } of publishedPackages()) {
    const link = join(folder, 'node_modules', name);
    if (existsSync(link)) return realpathSync(link);
  }
  return undefined;
}

/**
 * Name and folder of a peer; none for an optional one that is not installed.
 *
 * @param {string} name
 * @param {boolean} optional
 * @returns {[string, string][]}
 */
function linkTo(name, optional) {
  const folder = installed(name);
  if (folder !== undefined) return [[name, folder]];
  if (optional) return [];
  throw new Error(`${name}: expected one of the packages to depend on it`);
}

/**
 * A folder with our packages and their peers in `node_modules`, as a user's project has them.
 *
 * @param {Record<string, string>} files the project's modules by name, each a source text
 * @returns the folder and `remove`
 */
export function makeProject(files) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'learngene-project-')));
  const packages = publishedPackages();
  const peers = new Set(packages.flatMap(({ manifest }) => Object.keys(manifest.peerDependencies ?? {})));
  const optional = new Set(packages.flatMap(({ manifest }) => Object.keys(manifest.peerDependenciesMeta ?? {})));
  /** @type {Map<string, string>} */
  const links = new Map([
    ...[...peers].flatMap((name) => linkTo(name, optional.has(name))),
    ...packages.map(({ name, folder }) => /** @type {const} */ ([name, folder])), // a peer that is one of ours is the same folder
  ]);
  for (const [name, target] of links) {
    const link = join(folder, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(target, link, 'junction');
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  for (const [name, source] of Object.entries(files)) writeFileSync(join(folder, name), source);
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
