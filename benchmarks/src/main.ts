// `npm run bench`: see README.md.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { catalog, type Row } from './catalog';
import { commit, describeMachine, hasCompiler, threadCount } from './machine';
import type { Effort } from './measure';
import { type Options, parseOptions } from './options';
import { MissingError, pythonEnvironment } from './python-environment';
import { writeReport } from './report';
import { mergeResults, type ResultHeader, type ResultRow, type Results } from './result';
import { profileRow, type RowContext, runRow } from './run-row';
import { formatAmount, formatRatio } from './table';
import { WorkerPool } from './worker-pool';

const folder = fileURLToPath(new URL('..', import.meta.url));
const root = join(folder, '..');
const latest = join(folder, 'results', 'latest.json');

const efforts: Record<'quick' | 'full', Effort> = {
  quick: { budget: 1_200, minRounds: 2, maxRounds: 6 },
  full: { budget: 12_000, minRounds: 4, maxRounds: 24 },
};

function effortOf({ quick, budget }: Options): Effort {
  const effort = efforts[quick ? 'quick' : 'full'];
  return budget === undefined ? effort : { ...effort, budget: budget * 1000 };
}

function wanted(row: Row, { quick, only }: Options): boolean {
  if (only && !only.test(`${row.section}: ${row.name}`)) return false;
  return quick ? Boolean(row.quick) : row.quick !== 'only';
}

function log(text: string): void {
  const seconds = (performance.now() / 1000).toFixed(0).padStart(4);
  process.stderr.write(`[${seconds} s] ${text}\n`);
}

function show(row: ResultRow): void {
  const peer = row.peer === null ? '' : `, ${row.peer} ${formatAmount(row.peerMs as number, row.unit)}`;
  log(`  ${row.name}: ${formatAmount(row.oursMs, row.unit)}${peer} ${formatRatio(row)}`);
}

/** Engines and precisions that are not here are no failure of the benchmark. */
function isAbsent(row: Row, error: unknown): boolean {
  return (row.section === 'Engines' || row.bf16 === true) && !(error as Error).name.includes('Disagreement');
}

async function measureAll(rows: readonly Row[], context: RowContext): Promise<{ made: ResultRow[]; failed: number }> {
  const made: ResultRow[] = [];
  let failed = 0;
  for (const [i, row] of rows.entries()) {
    log(`(${i + 1}/${rows.length}) ${row.name}`);
    try {
      const fresh = await runRow(row, context);
      fresh.forEach(show);
      made.push(...fresh);
    } catch (error) {
      const absent = isAbsent(row, error);
      if (!absent) failed++;
      log(`  ${absent ? 'left out' : 'FAILED'}: ${(error as Error).message}`);
    }
  }
  return { made, failed };
}

/** What `latest.json` keeps of an earlier run: with `--only`, the rows that were not measured again. */
function earlier({ only }: Options): Results | undefined {
  return only && existsSync(latest) ? (JSON.parse(readFileSync(latest, 'utf8')) as Results) : undefined;
}

/** Writes `latest.json` and the page in docs. */
async function keep(options: Options, made: readonly ResultRow[], header: ResultHeader): Promise<Results> {
  const order = new Map(catalog.map(({ name }, i) => [name, i]));
  const results = mergeResults(earlier(options), { header, rows: [...made] });
  results.rows.sort((a, b) => (order.get(a.name) ?? 0) - (order.get(b.name) ?? 0));
  mkdirSync(join(latest, '..'), { recursive: true });
  writeFileSync(latest, `${JSON.stringify(results, null, 2)}\n`);
  await writeReport(root, results);
  return results;
}

async function compare(rows: readonly Row[], context: RowContext, options: Options): Promise<number> {
  const { pool, threads } = context;
  const peer = await pool.peer();
  if (!context.compiler) log('There is no g++ (or $CXX): rows against torch.compile are left out');
  const { made, failed } = await measureAll(rows, context);
  const results = await keep(options, made, {
    machine: describeMachine(),
    threads,
    engine: { name: options.engine, detail: (await pool.ours(options.engine)).about.detail },
    versions: { node: process.versions.node, tfjs: '4.22.0', ...peer.about },
    commit: commit(root),
    date: new Date().toISOString(),
    quick: options.quick,
  });
  if (options.json) process.stdout.write(`${JSON.stringify(results)}\n`);
  log(`Wrote benchmarks/results/latest.json and docs/benchmarks.md${failed > 0 ? `; ${failed} rows FAILED` : ''}`);
  return failed > 0 ? 1 : 0;
}

async function bench(options: Options): Promise<number> {
  const rows = catalog.filter((row) => wanted(row, options));
  if (options.list) {
    for (const row of rows) process.stdout.write(`${row.section}: ${row.name}\n`);
    return 0;
  }
  if (rows.length === 0) throw new MissingError('--only: no row matches; --list shows them');
  const python = options.profile ? '' : pythonEnvironment(folder, log);
  const threads = threadCount();
  const pool = new WorkerPool({ folder, python, threads });
  const scratch = mkdtempSync(join(tmpdir(), 'learngene-bench-'));
  try {
    log(`Starting with ${threads} threads`);
    await pool.ours(options.engine).catch((error: Error) => {
      throw new MissingError(`engine ${options.engine}: ${error.message} (--engine wasm is always there)`);
    });
    const effort = effortOf(options);
    const context = { pool, engine: options.engine, threads, effort, scratch, compiler: hasCompiler(), log };
    if (!options.profile) return await compare(rows, context, options);
    for (const row of rows) process.stdout.write(`${row.name}\n${await profileRow(row, context)}\n\n`);
    return 0;
  } finally {
    await pool.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}

try {
  process.exitCode = await bench(parseOptions(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`${error instanceof MissingError ? error.message : ((error as Error).stack ?? error)}\n`);
  process.exitCode = 1;
}
