import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Parses a JSON fixture that lies at `path` beside the calling module (`import.meta.url`). */
export function readFixture<T>(moduleUrl: string, path: string): T {
  return JSON.parse(readFileSync(fileURLToPath(new URL(path, moduleUrl)), 'utf8')) as T;
}
