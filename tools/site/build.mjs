// Builds the site of the documentation into docs/.vitepress/dist and checks it. The packages must have been built, and what
// the site needs must be installed: `npm run docs` does all of it. DOCS_BASE is its path on the server (default /).
// Usage: node tools/site/build.mjs             builds all of it
//        node tools/site/build.mjs --keep-api  takes the API reference that an earlier build wrote, to see a page soon

import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DOCS } from '../../docs/.vitepress/pages.mjs';
import { commandLine } from '../../scripts/command-line.mjs';
import { generatePages } from './src/generate-pages.mjs';
import { siteFaults } from './src/site-faults.mjs';

const { values } = commandLine(import.meta.url, { 'keep-api': { type: 'boolean' } });
const base = process.env.DOCS_BASE ?? '/';
const folder = join(DOCS, '.vitepress', 'dist');

await generatePages({ keepApi: values['keep-api'] ?? false });
const vitepress = createRequire(join(DOCS, 'package.json')).resolve('vitepress');
const { build } = await import(pathToFileURL(vitepress).href);
await build(DOCS);

const names = readdirSync(folder, { recursive: true }).map((name) => name.replaceAll('\\', '/'));
const texts = names.filter((name) => /\.(html|css)$/.test(name));
const files = new Map(
  names.map((name) => [name, texts.includes(name) ? readFileSync(join(folder, name), 'utf8') : '']),
);
const faults = siteFaults(files, base);
for (const fault of faults) console.error(fault);
if (faults.length > 0) {
  console.error(`${faults.length} faults in ${folder}`);
  process.exit(1);
}
console.log(`${texts.length} pages and styles, no dead link: ${folder}`);
