// Plays the pages of the site: runs the commands of their ```console blocks, page by page in an empty folder, and compares what
// they print with the page. Numbers may differ. The packages must have been built.
// Usage: node tools/site/play.mjs            plays all pages that have such blocks
//        node tools/site/play.mjs guides     those whose path contains `guides`
//        node tools/site/play.mjs --write    writes what was printed, and the pictures, into the pages
import { spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { ROOT } from '../../docs/.vitepress/pages.mjs';
import { commandLine } from '../../scripts/command-line.mjs';
import { makePhotos } from './src/make-photos.mjs';
import { playedPages } from './src/played-pages.mjs';
import { asShown, photoFolders, pictures, sameOutput, sessions, withOutputs } from './src/transcript.mjs';

const { values, positionals } = commandLine(import.meta.url, { write: { type: 'boolean' } }, { positionals: true });

/** A folder with the command `learngene` of this checkout in it. */
function commandFolder(folder) {
  const bin = join(folder, 'bin');
  const program = join(ROOT, 'apps', 'cli', 'bin', 'learngene.mjs');
  mkdirSync(bin);
  writeFileSync(join(bin, 'learngene'), `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`);
  chmodSync(join(bin, 'learngene'), 0o755);
  return bin;
}

/** Runs a command line as a shell does; its two outputs come as one, in order. */
function run(line, cwd, bin) {
  const PATH = [bin, process.env.PATH].join(delimiter);
  const env = { ...process.env, PATH, NO_COLOR: '1', FORCE_COLOR: '0' };
  return new Promise((resolve) => {
    const child = spawn('sh', ['-c', `{ ${line}\n} 2>&1`], { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] });
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (chunk) => (printed += chunk));
    child.on('close', (code) =>
      resolve({ code, printed: printed.replaceAll(cwd, '.').replaceAll(ROOT.replace(/\/$/, ''), 'learngene') }),
    );
  });
}

/** Plays a page; returns what went wrong. */
async function play(file) {
  const page = readFileSync(file, 'utf8');
  const name = relative(ROOT, file);
  const work = mkdtempSync(join(tmpdir(), 'learngene-page-'));
  const bin = commandFolder(work);
  const cwd = join(work, 'here');
  mkdirSync(cwd);
  const faults = [];
  const outputs = [];
  try {
    for (const { folder, classes } of photoFolders(page)) makePhotos(join(cwd, folder), classes);
    for (const { line, expected, fails, varies } of sessions(page)) {
      const began = Date.now();
      const { code, printed } = await run(line, cwd, bin);
      const seconds = ((Date.now() - began) / 1000).toFixed(1);
      const shown = asShown(printed);
      outputs.push(shown);
      if ((code !== 0) !== fails) faults.push(`${name}: \`${line}\` ended with code ${code}\n${printed}`);
      else if (!values.write && !varies && !sameOutput(shown, expected)) {
        faults.push(`${name}: \`${line}\`\n--- printed\n${shown}\n--- on the page\n${expected}`);
      } else console.log(`ok ${name}: ${line} (${seconds} s)`);
      if (faults.length > 0) return faults; // what follows builds on it
    }
    for (const { from, to } of pictures(page)) {
      const target = join(dirname(file), to);
      if (!existsSync(join(cwd, from))) faults.push(`${name}: nothing wrote ${from}, the picture ${to}`);
      else if (values.write) {
        mkdirSync(dirname(target), { recursive: true });
        copyFileSync(join(cwd, from), target);
      }
    }
    if (values.write && faults.length === 0) writeFileSync(file, withOutputs(page, outputs));
    return faults;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const pages = playedPages().filter((file) => {
  const name = relative(ROOT, file);
  return positionals.length === 0 || positionals.some((part) => name.includes(part));
});
const faults = [];
for (const file of pages) faults.push(...(await play(file)));
for (const fault of faults) console.error(`FAILED ${fault}`);
if (pages.length === 0) console.error(`no page is called ${positionals.join(' or ')}`);
if (faults.length > 0 || pages.length === 0) process.exit(1);
console.log(`${pages.length} pages say what their commands print`);
