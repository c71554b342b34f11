import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** A folder with published weights that the repository does not hold; undefined where there is none. */
export function realFolder(name: string): string | undefined {
  const root = process.env.LEARNGENE_REAL_DATA;
  if (!root) return undefined;
  const folder = join(root, name);
  if (!existsSync(folder)) throw new Error(`LEARNGENE_REAL_DATA: expected a folder ${name} in it, got none`);
  return folder;
}
