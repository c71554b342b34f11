// The source files of the workspace, what they import, and which package each belongs to.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import ts from 'typescript';

const options = {
  allowJs: true,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  customConditions: ['@learngene/source'],
};

/** A path with slashes, from `root` on. */
const named = (root, path) => relative(root, path).split(sep).join('/');

/**
 * Every file that git tracks or would track, by its path from the root.
 *
 * @throws Error where git cannot list the files
 */
function trackedFiles(root) {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const { status, stdout, stderr, error } = spawnSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`git ls-files failed in ${root}: ${error?.message ?? stderr.trim()}`);
  return [...new Set(stdout.split('\0'))].filter((path) => path !== '' && existsSync(join(root, path))).sort();
}

/** The folders that hold a package.json, the longest path first; the root itself is ''. */
function packageFolders(files) {
  const folders = files.filter((path) => /(^|\/)package\.json$/.test(path)).map((path) => dirname(path));
  return folders.map((folder) => (folder === '.' ? '' : folder)).sort((a, b) => b.length - a.length);
}

/** The specifiers of a file's imports, type-only and dynamic ones too, and of `new URL('...', import.meta.url)`. */
function specifiersOf(text) {
  const found = ts.preProcessFile(text, true, true).importedFiles.map(({ fileName, pos }) => ({ text: fileName, pos }));
  for (const match of text.matchAll(/new URL\(\s*(['"])(\.[^'"]*)\1\s*,\s*import\.meta\.url/g)) {
    found.push({ text: match[2], pos: match.index });
  }
  return found.map(({ text: specifier, pos }) => ({ specifier, line: text.slice(0, pos).split('\n').length }));
}

/** The scope of the packages of this workspace, as the specifiers begin. */
const scope = '@learngene/';

/**
 * Reads a workspace.
 *
 * @param root folder of the workspace, a git checkout
 * @returns `files`: all files by path; `lines(path)`: how many lines a file has; `packageOf(path)`: the folder of the
 *   package that a file belongs to; `imports(path)`: what a source imports, as `{ specifier, line, target }`, where the
 *   target is a path from the root, or undefined for what lies outside the workspace
 */
export function readWorkspace(root) {
  const files = trackedFiles(root);
  const folders = packageFolders(files);
  const cache = ts.createModuleResolutionCache(root, (name) => name, options);
  const text = (path) => readFileSync(join(root, path), 'utf8');
  const target = (from, specifier) => {
    if (!specifier.startsWith('.') && !specifier.startsWith(scope)) return undefined;
    const { resolvedModule } = ts.resolveModuleName(specifier, join(root, from), options, ts.sys, cache);
    if (resolvedModule) return named(root, resolvedModule.resolvedFileName);
    return specifier.startsWith('.') ? named(root, resolve(root, dirname(from), specifier)) : undefined;
  };
  return {
    root,
    files,
    text,
    lines: (path) => text(path).split('\n').length - 1,
    packageOf: (path) => folders.find((folder) => folder === '' || path.startsWith(`${folder}/`)) ?? '',
    imports: (path) => specifiersOf(text(path)).map((found) => ({ ...found, target: target(path, found.specifier) })),
  };
}

/** Whether a path is a source in one of the languages that Node runs. */
export const isSource = (path) => /\.(ts|mts|cts|js|mjs|cjs)$/.test(path) && !path.endsWith('.d.ts');

/** Whether a path is a test, or what only tests use. */
export const isTest = (path) => /\.test(-d)?\.ts$|\/(test|fixtures)\//.test(path);
