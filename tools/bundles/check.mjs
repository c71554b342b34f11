// Holds the built packages to what a web page may expect of them: imports within their budgets, and every entry but those
// for Node bundled by esbuild, webpack and Vite without a warning. The packages must have been built.
// Usage: node tools/bundles/check.mjs            sizes and bundlers
//        node tools/bundles/check.mjs --sizes    sizes alone (2 s)
//        node tools/bundles/check.mjs --sizes --print    sizes alone, whatever the budgets say
import { bundlers } from './src/bundlers.mjs';
import { measureSizes, sizeFaults, wantedChecks } from './src/check-sizes.mjs';
import { browserEntries, makeProject } from './src/project.mjs';

const args = process.argv.slice(2);
const wanted = wantedChecks(args);
if (wanted === undefined) {
  console.log('usage: node tools/bundles/check.mjs [--sizes [--print]]');
  process.exit(args[0] === '--help' ? 0 : 2);
}

const rows = await measureSizes();
const faults = wanted.budgets ? sizeFaults(rows) : [];
for (const { what, size, most } of rows.filter(({ what, size }) => size !== undefined && !what.startsWith('nothing'))) {
  console.log(`${what.padEnd(40)}${size.toFixed(1).padStart(7)} kB of ${most ?? 'no budget'}`);
}
if (wanted.bundlers) faults.push(...(await bundleFaults()));
for (const fault of faults) console.error(`FAILED ${fault}`);
process.exitCode = faults.length > 0 ? 1 : 0;

/** What the bundlers complain of. */
async function bundleFaults() {
  const modules = browserEntries().map(({ name }, i) => [`entry-${i}.js`, `export * from '${name}';\n`]);
  const project = makeProject(Object.fromEntries(modules));
  const faults = [];
  try {
    for (const [bundler, bundle] of Object.entries(bundlers)) {
      const complaints = await bundle(
        project.folder,
        modules.map(([file]) => file),
      );
      faults.push(...complaints.map((line) => `${bundler}: ${line}`));
      console.log(`${bundler.padEnd(10)}${modules.length} entries, ${complaints.length} complaints`);
    }
  } finally {
    project.remove();
  }
  return faults;
}
