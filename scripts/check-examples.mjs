// Runs the programs of `examples/` and every ```ts block of a README or a page of `docs` that is followed by a ```text block,
// and compares what they print with that block, or with the `/* prints ... */` at a program's end. A block runs as a module and
// as CommonJS, so that both builds of a package are used. The packages must have been built.
// Usage: node scripts/check-examples.mjs            runs all, fails where one prints something else
//        node scripts/check-examples.mjs svd        runs those whose name contains `svd` and shows what they print
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writtenPages } from '../tools/site/src/played-pages.mjs';
import { commandLine } from './command-line.mjs';

const TIMEOUT = 180_000;
const root = fileURLToPath(new URL('..', import.meta.url));
const { positionals: wanted } = commandLine(import.meta.url, {}, { positionals: true });
// After --help, which must work before anything is installed.
const { buildSync } = await import('esbuild');

function pageExamples(file) {
  if (!existsSync(file)) return [];
  const fence = /```ts\n([\s\S]*?)```\s*(?:[^\n`]+\n\s*)?```text\n([\s\S]*?)```/g;
  return [...readFileSync(file, 'utf8').matchAll(fence)].flatMap(([, source, expected], index) => {
    const name = `${relative(root, file)} #${index + 1}`;
    return [
      { name, source, expected },
      { name: `${name} in CommonJS`, source: inCommonJs(source), expected, format: 'cjs' },
    ];
  });
}

/** The source with all but its imports in a function: CommonJS has no await outside of one. */
function inCommonJs(source) {
  const imports = /^import [^;]*;.*$/gm;
  const run = `main().catch((error) => {\n  console.error(error);\n  process.exitCode = 1;\n});`;
  return `${(source.match(imports) ?? []).join('\n')}\nasync function main() {\n${source.replace(imports, '')}\n}\n${run}\n`;
}

function packageReadmes() {
  const folders = readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name));
  const published = folders.filter((folder) => {
    const manifest = join(folder, 'package.json');
    return existsSync(manifest) && !JSON.parse(readFileSync(manifest, 'utf8')).private;
  });
  return published.map((folder) => join(folder, 'README.md'));
}

function programs() {
  const folder = join(root, 'examples');
  const files = readdirSync(folder).filter((name) => name.endsWith('.ts'));
  return files.map((name) => {
    const source = readFileSync(join(folder, name), 'utf8');
    const lines = source.split('/* prints')[0].trimEnd().split('\n').length;
    if (lines > 80) throw new Error(`examples/${name}: expected at most 80 lines, got ${lines}`);
    return { name: `examples/${name}`, source, expected: /\/\* prints\n([\s\S]*?)\*\//.exec(source)?.[1] };
  });
}

/**
 * Runs an example as a program of its own, from a folder that sees the dependencies of `examples/package.json`. Files of
 * `examples/` that it imports become a part of it.
 */
function run({ source, format = 'esm' }, file) {
  const stdin = { contents: source, loader: 'ts', resolveDir: join(root, 'examples') };
  const options = { bundle: true, packages: 'external', format, target: 'es2022', platform: 'node' };
  buildSync({ stdin, ...options, outfile: file, logLevel: 'error' });
  const started = Date.now();
  return new Promise((resolve) => {
    const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' };
    const child = spawn(process.execPath, [file], { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: TIMEOUT });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk) => (stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk) => (stderr += chunk));
    child.on('close', (code, signal) => {
      resolve({ code, signal, stdout, stderr, seconds: (Date.now() - started) / 1000 });
    });
  });
}

const lines = (text) => text.split('\n').map((line) => line.trimEnd());
const trimmed = (text) => lines(text).join('\n').trim();

/** One line for an example that does what it says, else all that is known about the failure. */
function report({ name, expected }, { code, signal, stdout, stderr, seconds }) {
  const differs = expected !== undefined && trimmed(stdout) !== trimmed(expected);
  const failed = code !== 0 || differs;
  const time = `${seconds.toFixed(1)} s`;
  if (!failed) console.log(wanted.length > 0 ? stdout.trimEnd() : `ok ${name} (${time})`);
  else {
    const end = signal ? `killed by ${signal}` : `exit code ${code}`;
    console.error(`FAILED ${name} (${end}, ${time})\n--- printed\n${stdout}${stderr}`);
    if (differs) console.error(`--- expected\n${expected}`);
  }
  return failed;
}

const readmes = packageReadmes().map((file) => ({ file, examples: pageExamples(file) }));
const pages = writtenPages().flatMap(pageExamples);
const all = [...readmes.flatMap(({ examples }) => examples), ...pages, ...programs()];
const queue = all.filter(({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)));
if (queue.length === 0) {
  console.error(
    `no example is called ${wanted.join(' or ')}; there are\n${all.map(({ name }) => `  ${name}`).join('\n')}`,
  );
  process.exit(2);
}
mkdirSync(join(root, 'examples', 'node_modules'), { recursive: true });
const work = mkdtempSync(join(root, 'examples', 'node_modules', '.run-'));
let failures = 0;
try {
  const workers = Array.from({ length: Math.min(queue.length, availableParallelism()) }, async () => {
    for (let example = queue.shift(); example; example = queue.shift()) {
      const ending = example.format === 'cjs' ? 'cjs' : 'mjs';
      const file = join(work, `${example.name.replace(/\W+/g, '-')}.${ending}`);
      if (report(example, await run(example, file))) failures++;
    }
  });
  await Promise.all(workers);
} finally {
  rmSync(work, { recursive: true, force: true });
}
for (const { file, examples } of wanted.length > 0 ? [] : readmes) {
  if (examples.length > 0) continue;
  failures++;
  console.error(`FAILED ${relative(root, file)}: expected a runnable example, got none`);
}
if (failures > 0) process.exit(1);
