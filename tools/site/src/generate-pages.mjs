// Writes the pages of the site that come from elsewhere into docs/generated: READMEs of the packages, the reference of the
// API by typedoc, the help of the command.
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { copies, DOCS, GENERATED, ROOT } from '../../../docs/.vitepress/pages.mjs';
import { titleOf } from '../../../docs/.vitepress/sidebar.mjs';
import { writeApi } from './api.mjs';
import { writeCommandReference } from './command-reference.mjs';
import { writeConfigReference } from './config-reference.mjs';

function write(path, text) {
  const file = join(GENERATED, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** Copies of READMEs: the link plug-in knows where they came from. */
function writeCopies() {
  for (const [path, source] of Object.entries(copies())) {
    mkdirSync(dirname(join(GENERATED, path)), { recursive: true });
    cpSync(join(ROOT, source), join(GENERATED, path));
  }
}

function writeDecisions() {
  const names = readdirSync(join(DOCS, 'decisions')).filter((name) => name.endsWith('.md'));
  const rows = names.sort().map((name) => `- [${titleOf(join(DOCS, 'decisions', name))}](${name})`);
  write('decisions/index.md', `# Decisions\nWhy things are as they are, ten lines each.\n\n${rows.join('\n')}\n`);
}

/** Writes all generated pages anew; with `keepApi` the reference of the API stays. */
export async function generatePages({ keepApi }) {
  for (const name of existsSync(GENERATED) ? readdirSync(GENERATED) : []) {
    if (!keepApi || name !== 'api') rmSync(join(GENERATED, name), { recursive: true });
  }
  writeCopies();
  writeDecisions();
  write('reference/cli.md', writeCommandReference());
  write('reference/config.md', writeConfigReference());
  if (!keepApi) await writeApi();
}
