// Checks that every crate inside the addon has a licence that goes with Apache-2.0, and that THIRD-PARTY.md lists it.
// Usage: node scripts/licences.mjs [--write]
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
// @boundaries-ignore what the scripts of all packages share
import { commandLine } from '../../../scripts/command-line.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values: options } = commandLine(import.meta.url, { write: { type: 'boolean', default: false } });
const allowed = new Set([
  'Apache-2.0',
  'MIT',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'Zlib',
  'Unlicense',
  '0BSD',
  'CC0-1.0',
  'Unicode-3.0',
]);

/** Whether an SPDX expression can be satisfied with allowed licences alone. */
function satisfied(expression) {
  const all = (part) =>
    part.split(/\s+AND\s+/).every((name) => allowed.has(name.replace(/\s+WITH\s+LLVM-exception$/, '')));
  return expression
    .replaceAll('/', ' OR ')
    .replace(/[()]/g, '')
    .split(/\s+OR\s+/)
    .some(all);
}

const { status, stdout, stderr } = spawnSync('cargo', ['metadata', '--locked', '--format-version', '1'], {
  cwd: root,
  encoding: 'utf8',
  maxBuffer: 1 << 28,
});
if (status !== 0) {
  console.error(stderr);
  process.exit(1);
}
const { packages, resolve } = JSON.parse(stdout);
const byId = new Map(packages.map((crate) => [crate.id, crate]));
const nodes = new Map(resolve.nodes.map((node) => [node.id, node]));

/** The crates that become part of the addon: normal dependencies, from the addon's own crate on. */
const linked = new Set();
const queue = [packages.find(({ name }) => name === 'learngene-node').id];
while (queue.length > 0) {
  const id = queue.pop();
  if (linked.has(id)) continue;
  linked.add(id);
  for (const { pkg, dep_kinds: kinds } of nodes.get(id).deps)
    if (kinds.some(({ kind }) => kind === null)) queue.push(pkg);
}
const crates = [...linked]
  .map((id) => byId.get(id))
  .filter(({ source }) => source !== null)
  .sort((a, b) => (a.name < b.name ? -1 : 1));
const refused = crates.filter(({ license }) => license === null || !satisfied(license));
for (const { name, version, license } of refused)
  console.error(`${name} ${version}: the licence ${license} is not allowed`);
if (refused.length > 0) process.exit(1);

const table = [
  '# Crates inside the addon',
  '',
  'Written by `node scripts/licences.mjs --write`.',
  '',
  '| crate | version | licence | source |',
  '|---|---|---|---|',
  ...crates.map(
    ({ name, version, license, repository }) => `| ${name} | ${version} | ${license} | ${repository ?? ''} |`,
  ),
  '',
].join('\n');
const file = join(root, 'THIRD-PARTY.md');
if (options.write) writeFileSync(file, table);
else if (!existsSync(file) || readFileSync(file, 'utf8') !== table) {
  console.error('THIRD-PARTY.md is not up to date: node scripts/licences.mjs --write');
  process.exit(1);
}
console.log(`${crates.length} crates, all with allowed licences`);
