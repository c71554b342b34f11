import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Imports an optional package from the user's project or from beside the command.
 *
 * @param first A `package.json` to look from before those two.
 * @returns the module, or undefined where the package is not installed
 * @throws what the package throws while it loads
 */
export async function importOptional(name: string, first?: string): Promise<Record<string, unknown> | undefined> {
  for (const base of [...(first ? [first] : []), join(process.cwd(), 'package.json'), import.meta.url]) {
    let file: string;
    try {
      file = createRequire(base).resolve(name);
    } catch {
      continue;
    }
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  }
  return undefined;
}
