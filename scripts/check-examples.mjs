// Runs the programs of `examples/` and every README's ```ts block that is followed by a ```text block, and compares what
// they print with that block. The packages must have been built.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const work = join(root, 'examples', 'node_modules', '.readme');
rmSync(work, { recursive: true, force: true });
mkdirSync(work, { recursive: true });

function readmeExamples() {
  const files = ['packages', 'apps'].flatMap((group) =>
    readdirSync(join(root, group)).map((name) => join(root, group, name, 'README.md')),
  );
  return [join(root, 'README.md'), ...files].filter(existsSync).flatMap((file) => {
    const blocks = readFileSync(file, 'utf8').matchAll(
      /```ts\n([\s\S]*?)```\s*(?:[^\n`]+\n\s*)?```text\n([\s\S]*?)```/g,
    );
    return [...blocks].map(([, source, expected], index) => ({
      name: `${relative(root, file)} #${index + 1}`,
      source,
      expected,
    }));
  });
}

function exampleFiles() {
  const folder = join(root, 'examples');
  return readdirSync(folder)
    .filter((name) => name.endsWith('.ts'))
    .map((name) => {
      const source = readFileSync(join(folder, name), 'utf8');
      const lines = source.split('\n').length - 1;
      if (lines > 80) throw new Error(`examples/${name}: ${lines} lines, at most 80`);
      const expected = /\/\* prints\n([\s\S]*?)\*\//.exec(source)?.[1];
      return { name: `examples/${name}`, source, expected };
    });
}

function run({ source }, index) {
  const file = join(work, `example-${index}.mjs`);
  writeFileSync(file, transformSync(source, { loader: 'ts', format: 'esm', target: 'es2022' }).code);
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [file], { cwd: work, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

const trimmed = (text) =>
  text
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
    .trim();
let failed = 0;
for (const [index, example] of [...readmeExamples(), ...exampleFiles()].entries()) {
  const { code, stdout, stderr } = await run(example, index);
  const wrong = example.expected !== undefined && trimmed(stdout) !== trimmed(example.expected);
  if (code !== 0 || wrong) {
    failed++;
    console.error(`FAILED ${example.name}\n--- printed\n${stdout}${stderr}`);
    if (wrong) console.error(`--- expected\n${example.expected}`);
  } else {
    console.log(`ok ${example.name}`);
  }
}
rmSync(work, { recursive: true, force: true });
if (failed > 0) process.exit(1);
