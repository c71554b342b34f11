// Checks what keeps the house in order and no other tool here looks at: circles of folders, imports past an index.ts, files
// that are too long, packages without a level, and a command that computes. CONTRIBUTING.md has the rules.
// Usage: node tools/house/check.mjs [folder of a checkout]
import { fileURLToPath } from 'node:url';
import { commandLine } from '../../scripts/command-line.mjs';
import { folderCycles } from './src/folder-cycles.mjs';
import { longSources } from './src/lengths.mjs';
import { packageLevels } from './src/levels.mjs';
import { optionNames } from './src/option-names.mjs';
import { importsPastIndex } from './src/past-index.mjs';
import { plurals } from './src/plurals.mjs';
import { readWorkspace } from './src/sources.mjs';
import { thickCommand } from './src/thin-command.mjs';

const { positionals } = commandLine(import.meta.url, {}, { positionals: true });
const root = positionals[0] ?? fileURLToPath(new URL('../..', import.meta.url));
const workspace = readWorkspace(root);
const rules = {
  'Folders of a package import each other in a circle': folderCycles,
  'Imports past an index.ts': importsPastIndex,
  'Files that are too long': longSources,
  'Options of the command in a package': optionNames,
  'Packages without a level': packageLevels,
  'Plurals of what may be one': plurals,
  'A command that is not thin': thickCommand,
};

let count = 0;
for (const [title, rule] of Object.entries(rules)) {
  const found = rule(workspace);
  count += found.length;
  if (found.length > 0) console.error([`${title}:`, ...found.map((text) => `  ${text}`), ''].join('\n'));
}
if (count > 0) {
  console.error(`${count} violations; CONTRIBUTING.md says what the rules are`);
  process.exit(1);
}
console.log(`${workspace.files.length} files, no violations`);
