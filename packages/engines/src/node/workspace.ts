import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

/** The file `path` of the nearest folder that has it, from `folder` (this module's own) upwards. */
export function findAbove(path: string, folder: string = here): string | undefined {
  const file = join(folder, path);
  if (existsSync(file)) return file;
  const parent = dirname(folder);
  return parent === folder ? undefined : findAbove(path, parent);
}

/** A file as it may be typed from the current folder: relative where it lies below, else absolute; quoted if need be. */
export function asTyped(file: string): string {
  const path = relative(process.cwd(), file);
  const typed = path.startsWith('..') || isAbsolute(path) ? file : path;
  return /[^\w./:\\-]/.test(typed) ? JSON.stringify(typed) : typed;
}
