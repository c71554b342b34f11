// Imports past an index.ts.
import { dirname, join } from 'node:path/posix';
import { isSource } from './sources.mjs';

/** Folders from `src` (left out) down to the one of a file. */
function foldersBelow(src, path) {
  const folders = [];
  for (let folder = dirname(path); folder.startsWith(`${src}/`); folder = dirname(folder)) folders.unshift(folder);
  return folders;
}

/** The sources of a package that its package.json exports. */
function entries(workspace, folder) {
  const { exports = {} } = JSON.parse(workspace.text(`${folder}/package.json`));
  return Object.values(exports).flatMap((entry) =>
    typeof entry?.['@learngene/source'] === 'string' ? [join(folder, entry['@learngene/source'])] : [],
  );
}

/**
 * Finds imports that pass by the entry of a package or of a folder: a file outside a package that names a file in its `src`
 * or `dist` by path, unless it is an exported one, or a specifier that no package exports; and, inside a package, a file
 * outside a folder with an `index.ts` that imports anything of the folder but the index.
 */
export function importsPastIndex(workspace) {
  const files = new Set(workspace.files);
  return workspace.files.filter(isSource).flatMap((from) => {
    const own = workspace.packageOf(from);
    return workspace.imports(from).flatMap(({ specifier, line, target }) => {
      const at = `${from}:${line} imports '${specifier}'`;
      if (target === undefined) {
        return specifier.startsWith('@learngene/') ? [`${at}, which no package exports`] : [];
      }
      const other = workspace.packageOf(target);
      if (other !== own) {
        const within = ['src', 'dist'].some((name) => target.startsWith(`${other}/${name}/`));
        const past = specifier.startsWith('.') && other !== '' && within && !entries(workspace, other).includes(target);
        return past ? [`${at}, inside of ${other}`] : [];
      }
      const closed = foldersBelow(`${own}/src`, target).find(
        (folder) => files.has(`${folder}/index.ts`) && !from.startsWith(`${folder}/`),
      );
      return closed === undefined || target === `${closed}/index.ts` ? [] : [`${at}, past ${closed}/index.ts`];
    });
  });
}
