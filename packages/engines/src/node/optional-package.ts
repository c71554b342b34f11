import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Finds an optional package without loading it, as {@link importOptional} does.
 *
 * @returns the file that is its entry, or undefined where the package is not installed
 */
export function findOptional(name: string, first?: string): string | undefined {
  for (const base of [...(first ? [first] : []), join(process.cwd(), 'package.json'), import.meta.url]) {
    try {
      return createRequire(base).resolve(name);
    } catch {}
  }
  return undefined;
}

/**
 * Imports an optional package from the user's project or from beside this package.
 *
 * @param first A `package.json` to look from before those two.
 * @returns the module, or undefined where the package is not installed
 * @throws what the package throws while it loads
 */
export async function importOptional(name: string, first?: string): Promise<Record<string, unknown> | undefined> {
  const file = findOptional(name, first);
  return file === undefined ? undefined : importFile(file);
}

/** Imports a module by its path. In the CommonJS build `import()` is `require()`, which takes no URL. */
export async function importFile(file: string): Promise<Record<string, unknown>> {
  return await import(typeof __filename === 'string' ? file : pathToFileURL(file).href);
}
