import { existsSync, realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { ConfigError } from '../../errors';

/** A name of npm: `@scope/name` or `name`. */
const PACKAGE_NAME = /^(@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/;

/** What Node says of a package that is not there, and of one that hides its package.json. */
const NOT_FOUND = 'MODULE_NOT_FOUND';
const NOT_EXPORTED = 'ERR_PACKAGE_PATH_NOT_EXPORTED';

/** Files from whose folders packages are looked for: the working directory, then the program that runs, with its dependencies. */
function usualPlaces(): string[] {
  const program = process.argv[1];
  const own = program !== undefined && existsSync(program) ? [realpathSync(program)] : [];
  return [join(process.cwd(), 'package.json'), ...own];
}

/**
 * The folder of a model at a path, or of the bundle that the installed npm package of this name holds: the folder that its
 * package.json names as `learngene.bundle`. What exists as a path is a path; any other word stays as it is.
 *
 * @param argument - what gave it, for messages.
 * @param places - files from whose folders the package is looked for, as Node does (default: from the working directory, then
 *   from the program that runs).
 * @throws ConfigError for a scoped name of which no package is installed, and for a package that holds no bundle
 */
export async function installedBundle(path: string, argument: string, places = usualPlaces()): Promise<string> {
  if (existsSync(path) || !PACKAGE_NAME.test(path)) return path;
  const found = packageFile(path, places);
  const isScoped = path.startsWith('@'); // any other word is more likely a path that was mistyped
  if (found === undefined) {
    if (!isScoped) return path;
    throw new ConfigError(
      `${argument} ${path}: no such file or folder, and no package of this name is installed: npm install ${path}`,
      { argument },
    );
  }
  const folder = found === NOT_EXPORTED ? undefined : await bundleFolder(found);
  if (folder !== undefined || !isScoped) return folder ?? path;
  throw new ConfigError(
    `${argument} ${path}: expected a package that holds a bundle (learngene.bundle in package.json)`,
    {
      argument,
    },
  );
}

/** The package.json of an installed package; undefined where there is none. */
function packageFile(name: string, places: readonly string[]): string | undefined {
  for (const place of places) {
    try {
      return createRequire(resolve(place)).resolve(`${name}/package.json`);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === NOT_EXPORTED) return NOT_EXPORTED;
      if (code !== NOT_FOUND) throw error;
    }
  }
  return undefined;
}

/** The folder that a package.json names as its bundle; undefined where it names none, or one outside the package. */
async function bundleFolder(file: string): Promise<string | undefined> {
  const { learngene } = JSON.parse(await readFile(file, 'utf8')) as { learngene?: { bundle?: unknown } };
  if (typeof learngene?.bundle !== 'string') return undefined;
  const folder = resolve(dirname(file), learngene.bundle);
  return relative(dirname(file), folder).startsWith('..') ? undefined : folder;
}
