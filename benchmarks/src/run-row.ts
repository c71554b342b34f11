import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { PeerImplementation, Row } from './catalog';
import type { EngineName } from './engine-names';
import { type Effort, interleave } from './measure';
import { profileText } from './profile';
import type { ResultRow } from './result';
import { disagreement, type Summary, summarize } from './statistics';
import type { WorkerPool } from './worker-pool';
import type { Worker } from './worker-process';

/** What a row is run with. */
export interface RowContext {
  pool: WorkerPool;
  /** Threads of rows that name none. */
  threads: number;
  /** Engine of rows that name none. */
  engine: EngineName;
  effort: Effort;
  /** Folder for weights that both sides read. */
  scratch: string;
  /** Whether a C++ compiler is there for torch.compile. */
  compiler: boolean;
  /** Shows what is going on. */
  log: (text: string) => void;
}

/** Both sides compute the same numbers, or the row says where they do not. */
class DisagreementError extends Error {
  override readonly name = 'DisagreementError';
}

/** Makes one row, or several where it has several peers. */
export async function runRow(row: Row, context: RowContext): Promise<ResultRow[]> {
  const implementations = row.peers.filter((implementation) => !implementation.compiled || context.compiler);
  const skipped = row.peers.length - implementations.length;
  const note =
    skipped > 0 ? `${row.note ?? ''}; torch.compile needs g++, which is not here`.replace(/^; /, '') : row.note;
  const rows = row.memory
    ? await measureMemory(row, implementations, context)
    : await measureTime(row, implementations, context);
  return rows.map((made) => ({ ...made, note: note ?? '' }));
}

/** The spec with a place for the weights, the same for every implementation of the same model. */
function specOf(row: Row, extra: object, { scratch }: RowContext): object {
  const { precision, rank, steps, guidance, data, trainable, checkSteps, ...sizes } = row.spec as Record<
    string,
    unknown
  >;
  const key = createHash('sha256')
    .update(JSON.stringify([row.task.startsWith('kind-'), sizes]))
    .digest('hex')
    .slice(0, 12);
  return { ...row.spec, ...extra, weights: join(scratch, `${key}.safetensors`) };
}

async function measureTime(
  row: Row,
  implementations: readonly PeerImplementation[],
  context: RowContext,
): Promise<ResultRow[]> {
  const { pool, log, effort } = context;
  const engine = (row.engine ?? context.engine) as EngineName;
  const workers: Worker[] = [];
  const prepare = async (worker: Worker, task: string, spec: object) => {
    workers.push(worker);
    return worker.prepare(task, spec);
  };
  try {
    const ours = await prepare(await pool.ours(engine, row.threads), row.task, specOf(row, {}, context));
    const fair: PeerImplementation[] = [];
    for (const [i, implementation] of implementations.entries()) {
      log(`${row.name}: preparing ${implementation.label}`);
      const theirs = await prepare(
        await pool.peer(row.threads, i),
        implementation.task,
        specOf(row, implementation.spec ?? {}, context),
      );
      const problem = implementation.otherModel
        ? undefined
        : disagreement(ours, theirs, row.tolerance ?? { relative: 1e-3 });
      if (problem === undefined) fair.push(implementation);
      else if (!implementation.compiled)
        throw new DisagreementError(`${row.name}: against ${implementation.label}, ${problem}`);
      else {
        // The eager form of the same program agrees: what the compiler makes of it is not ours to answer for.
        log(`${row.name}: ${implementation.label} left out, ${problem}`);
        pool.forget(workers.pop() as Worker);
      }
    }
    if (row.own) {
      const { task, spec, threads = row.threads } = row.own;
      await prepare(await pool.ours(engine, threads, 1), task, specOf({ ...row, task, spec }, {}, context));
    }
    if (row.flops !== undefined) {
      const { precision } = row.spec as { precision?: string };
      await prepare(await pool.ours(engine, row.threads, 2), 'matmul', { ...PRODUCT, precision: precision ?? 'f32' });
    }
    log(`${row.name}: timing`);
    const [own, ...others] = (await interleave(workers, effort)).map(summarize);
    await Promise.all(workers.map((worker) => worker.release()));
    const peers = row.own ? [row.own] : fair;
    const rates = ratesOf(row.flops, own, others[peers.length]);
    const made = peers.map((peer, i) => ({ ...resultRow(row, engine, own, { ...peer, times: others[i] }), ...rates }));
    if (made.length === 0) return [{ ...resultRow(row, engine, own), ...rates }];
    if (!row.bestPeer) return made;
    return [made.reduce((best, next) => ((next.ratio ?? 0) < (best.ratio ?? 0) ? next : best))];
  } catch (error) {
    for (const worker of workers) pool.forget(worker);
    throw error;
  }
}

/** The large product whose rate stands beside a row's: that of the table's products that is nearest to the limit. */
const PRODUCT = { layout: 'NN', m: 1024, k: 4096, n: 1024 };

/** GFLOP/s of a row and of the product. */
function ratesOf(flops: number | undefined, own: Summary, product: Summary | undefined): Partial<ResultRow> {
  if (flops === undefined || product === undefined) return {};
  const { m, k, n } = PRODUCT;
  return { rate: flops / own.median / 1e6, productRate: (2 * m * k * n) / product.median / 1e6 };
}

/** Where our time goes in a row, as text. */
export async function profileRow(row: Row, context: RowContext): Promise<string> {
  const ours = await context.pool.ours((row.engine ?? context.engine) as EngineName, row.threads);
  await ours.prepare(row.task, specOf(row, {}, context));
  await ours.run(1, 1);
  const text = profileText(await ours.profile(5));
  await ours.release();
  return text;
}

/** Processes of their own; the weights are written by another one before, for that takes memory too. */
async function measureMemory(
  row: Row,
  implementations: readonly PeerImplementation[],
  context: RowContext,
): Promise<ResultRow[]> {
  const { pool, log } = context;
  const engine = (row.engine ?? context.engine) as EngineName;
  log(`${row.name}: running in fresh processes`);
  const writer = await pool.ours(engine);
  await writer.prepare(row.task, specOf(row, {}, context));
  await writer.release();
  const peak = async (worker: Worker, task: string, spec: object): Promise<Summary> => {
    try {
      await worker.prepare(task, spec); // the check: three steps of a training
      await worker.run(2, 1);
      const median = await worker.peakMiB();
      return { median, best: median, count: 1 };
    } finally {
      worker.stop();
    }
  };
  const own = await peak(await pool.startOurs(engine), row.task, specOf(row, {}, context));
  const rows: ResultRow[] = [];
  for (const implementation of implementations) {
    const times = await peak(
      await pool.startPeer(),
      implementation.task,
      specOf(row, implementation.spec ?? {}, context),
    );
    rows.push({ ...resultRow(row, engine, own, { ...implementation, times }), unit: 'MiB' });
  }
  return rows;
}

function resultRow(
  row: Row,
  engine: string,
  own: Summary,
  peer?: { label: string; goal?: number; times: Summary },
): ResultRow {
  return {
    name: row.name,
    section: row.section,
    oursMs: own.median,
    peer: peer?.label ?? null,
    peerMs: peer?.times.median ?? null,
    ratio: peer ? peer.times.median / own.median : null,
    note: row.note ?? '',
    oursBestMs: own.best,
    peerBestMs: peer?.times.best ?? null,
    bestRatio: peer ? peer.times.best / own.best : null,
    ...(peer?.goal !== undefined && { goal: peer.goal }),
    ...(row.rateGoal !== undefined && { rateGoal: row.rateGoal }),
    ...(row.shareGoal !== undefined && { shareGoal: row.shareGoal }),
    ...(row.x !== undefined && { x: row.x }),
    engine,
    at: new Date().toISOString(),
  };
}
