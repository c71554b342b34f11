// Damages files of every format that is read, and checks that the readers refuse them as they should: by an error of
// their own that names the file, within 10 s, without running out of memory. The packages must have been built.
// Usage: node scripts/fuzz.mjs [--cases 60] [--seed 1] [--only 'npz:17'] [--verbose]
//   --cases   cases of every format        --only   one format, or one of its cases by number
import { fork, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandLine } from './command-line.mjs';
import { mutationsFor } from './fuzz/mutations.mjs';
import { createRandom, hash } from './fuzz/random.mjs';

const TIMEOUT = 10_000;
/** What a reader may need beyond what it needs for the undamaged files. */
const GROWTH_MIB = 300;
/** A file of this format is made to do harm: it must be refused, within this memory in all. */
const HOSTILE = 'torch hostile';
const HOSTILE_MIB = 512;
const ERRORS = ['TensorFileError', 'DatasetFileError', 'BundleError'];
const CLI = fileURLToPath(new URL('../apps/cli/bin/learngene.mjs', import.meta.url));
/** Starting the command takes half a second, so it gets fewer cases. */
const CLI_SHARE = 0.25;

const { values } = commandLine(import.meta.url, {
  cases: { type: 'number', default: 60 },
  seed: { type: 'number', default: 1, minimum: 0 },
  only: { type: 'string' },
  verbose: { type: 'boolean', default: false },
});
const [onlyFormat, onlyCase] = values.only?.split(':') ?? [];
// After --help, which must work before anything is built.
const { seeds } = await import('./fuzz/seeds.mjs');
const formats = Object.keys(seeds);
if (onlyFormat !== undefined && !formats.includes(onlyFormat)) {
  console.error(`--only: expected ${formats.join(', ')}, got ${onlyFormat}`);
  process.exit(2);
}
const work = mkdtempSync(join(tmpdir(), 'learngene-fuzz-'));

/** The files of one case: the undamaged ones with one of them mutated, or two swapped. */
function damaged(format, number, intact) {
  const random = createRandom(hash(`${values.seed} ${format} ${number}`));
  const files = { ...intact };
  const names = format === 'cli config' ? ['config.json'] : Object.keys(files);
  const name = random.pick(names);
  if (names.length > 1 && random.chance(0.1)) {
    const other = random.pick(names.filter((candidate) => candidate !== name));
    [files[name], files[other]] = [files[other], files[name]];
    return { files, what: `${name} <-> ${other}` };
  }
  if (format !== HOSTILE && random.chance(0.05)) {
    delete files[name];
    return { files, what: `${name} deleted` };
  }
  const mutation = random.pick(mutationsFor(name));
  files[name] = mutation(files[name], random);
  const signed = format === 'bundle' && name !== 'kind.json' && random.chance(0.7);
  if (signed) files['kind.json'] = resigned(files, name);
  return { files, what: `${name} ${mutation.name}${signed ? ', signed anew' : ''}` };
}

/** kind.json with the size and checksum of a damaged piece, so that the reader gets past them. */
function resigned(files, name) {
  const manifest = JSON.parse(Buffer.from(files['kind.json']).toString());
  const { learngenes, shared, tailors } = manifest.files;
  const entry = [learngenes, shared, ...tailors].find(({ file }) => file === name);
  entry.bytes = files[name].length;
  entry.sha256 = createHash('sha256').update(files[name]).digest('hex');
  return Buffer.from(JSON.stringify(manifest));
}

function write(folder, files) {
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
}

/** A child process that reads cases; it is started anew when it had to be killed. */
function startReader() {
  const script = fileURLToPath(new URL('./fuzz/reader.mjs', import.meta.url));
  const child = fork(script, { execArgv: ['--max-old-space-size=384'], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  let stderr = '';
  let alive = true;
  const stop = () => {
    alive = false;
    child.kill('SIGKILL');
  };
  child.on('exit', () => (alive = false));
  child.stderr.setEncoding('utf8').on('data', (chunk) => (stderr += chunk));
  const answer = () =>
    new Promise((resolve) => {
      const done = (result) => {
        clearTimeout(timer);
        child.off('message', done).off('exit', exited);
        resolve(result);
      };
      const exited = (code, signal) =>
        done({ name: 'crash', message: `exit code ${code}, signal ${signal}\n${stderr}` });
      const timer = setTimeout(() => {
        stop();
        done({ name: 'hang', message: `no answer within ${TIMEOUT / 1000} s` });
      }, TIMEOUT);
      child.on('message', done).on('exit', exited);
    });
  return {
    ready: answer(),
    read(job) {
      child.send(job);
      return answer();
    },
    stop,
    isAlive: () => alive,
  };
}

let reader;
/** The undamaged files must be accepted; what they take is the base that memory is compared with. */
async function readInChild(format, folder) {
  if (!reader?.isAlive()) {
    reader = startReader();
    const ready = await reader.ready;
    if (!ready.ready) throw new Error(`the reader does not start: ${ready.name} ${ready.message}`);
  }
  return reader.read({ format, folder });
}

/** Dry-runs the command with a damaged config; it must end with 0, or with 1 or 2 and one line about the error. */
function readByCommand(folder) {
  const args = [
    '--max-old-space-size=384',
    CLI,
    'train',
    '--config',
    'config.json',
    '--out',
    'out',
    '--dry-run',
    '--json',
  ];
  const { status, stderr, error } = spawnSync(process.execPath, args, {
    cwd: folder,
    timeout: TIMEOUT,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  if (error) return { name: error.code === 'ETIMEDOUT' ? 'hang' : 'crash', message: error.message };
  if (existsSync(join(folder, 'out'))) return { name: 'side effect', message: 'a dry run wrote a folder' };
  if (status === 0) return { accepted: true };
  const said = stderr.split('\n').find((line) => /^error /.test(line));
  const clean = said && !/^ +at /m.test(stderr);
  if ((status === 1 || status === 2) && clean) return { name: `exit ${status}`, message: said, clean: true };
  return { name: `exit ${status}, unclear`, message: stderr.slice(0, 500) };
}

/** What is wrong with how a case ended, or undefined. */
function violation(format, result, base) {
  if (format === HOSTILE && result.accepted) return 'accepted, where it must be refused';
  if (format === HOSTILE && result.peakMiB > HOSTILE_MIB) return `memory: ${Math.round(result.peakMiB)} MiB`;
  if (result.peakMiB > base + GROWTH_MIB) return `memory: ${Math.round(result.peakMiB)} MiB, from ${Math.round(base)}`;
  if (result.accepted || result.clean) return undefined;
  if (!ERRORS.includes(result.name))
    return `${result.name}: ${String(result.message).slice(0, 300)}\n${result.stack ?? ''}`;
  return undefined;
}

async function fuzz(format, count) {
  const intact = await seeds[format]();
  const read = format === 'cli config' ? (_, folder) => readByCommand(folder) : readInChild;
  const folder = join(work, format.replaceAll(' ', '-'));
  write(join(folder, 'intact'), intact);
  const first = await read(format, join(folder, 'intact'));
  if (!first.accepted) throw new Error(`${format}: the undamaged files are refused: ${first.name} ${first.message}`);
  const row = { format, cases: 0, refused: {}, accepted: 0, slowest: 0, violations: 0 };
  const numbers = onlyCase === undefined ? Array.from({ length: count }, (_, i) => i) : [Number(onlyCase)];
  for (const number of numbers) {
    const { files, what } = damaged(format, number, intact);
    const place = join(folder, String(number));
    write(place, files);
    const started = performance.now();
    const result = await read(format, place);
    row.slowest = Math.max(row.slowest, performance.now() - started);
    row.cases++;
    if (result.accepted) row.accepted++;
    else row.refused[result.name] = (row.refused[result.name] ?? 0) + 1;
    const wrong = violation(format, result, first.peakMiB ?? 0);
    if (wrong) {
      row.violations++;
      console.error(`\n${format}:${number} (${what})\n${wrong}`);
      if (/^(memory|hang)/.test(wrong)) reader?.stop();
    } else if (values.verbose)
      console.log(`${format}:${number} (${what}) ${result.accepted ? 'accepted' : result.message}`);
    rmSync(place, { recursive: true, force: true });
  }
  return row;
}

const rows = [];
try {
  for (const format of formats) {
    if (onlyFormat !== undefined && format !== onlyFormat) continue;
    const { cases } = values;
    rows.push(await fuzz(format, format === 'cli config' ? Math.ceil(CLI_SHARE * cases) : cases));
  }
} finally {
  reader?.stop();
  rmSync(work, { recursive: true, force: true });
}

const cell = (text, width) => String(text).padEnd(width);
console.log(`\n${cell('format', 14)}${cell('cases', 7)}${cell('accepted', 10)}${cell('slowest', 9)}refused by`);
for (const { format, cases, accepted, slowest, refused } of rows) {
  const names = Object.entries(refused).map(([name, count]) => `${name} ${count}`);
  console.log(
    `${cell(format, 14)}${cell(cases, 7)}${cell(accepted, 10)}${cell(`${slowest.toFixed(0)} ms`, 9)}${names.join(', ')}`,
  );
}
const sum = (key) => rows.reduce((total, row) => total + row[key], 0);
console.log(`${sum('cases')} cases, ${sum('violations')} violations, seed ${values.seed}`);
if (sum('violations') > 0) process.exit(1);
