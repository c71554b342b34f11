// The pages whose commands are run.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DOCS } from '../../../docs/.vitepress/pages.mjs';
import { sessions } from './transcript.mjs';

/** Pages of the documentation that people write, without the decisions: paths on disk, sorted. */
export function writtenPages() {
  const names = readdirSync(DOCS, { recursive: true }).map((name) => name.replaceAll('\\', '/'));
  const own = names.filter((name) => name.endsWith('.md') && !/^(generated|decisions|node_modules)\//.test(name));
  return own.sort().map((name) => join(DOCS, name));
}

/** Those that have a command with its output. */
export function playedPages() {
  return writtenPages().filter((file) => sessions(readFileSync(file, 'utf8')).length > 0);
}
