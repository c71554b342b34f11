import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { PeerWay, Row } from './catalog';
import type { Contestant } from './contestant';
import type { Crew } from './crew';
import type { EngineName } from './engine-names';
import { type Effort, interleave } from './measure';
import { profileText } from './profile';
import type { ResultRow } from './result';
import { disagreement, type Summary, summarize } from './statistics';

/** What a row is run with. */
export interface RowContext {
  crew: Crew;
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
  say: (text: string) => void;
}

/** Both sides compute the same numbers, or the row says where they do not. */
class DisagreementError extends Error {
  override readonly name = 'DisagreementError';
}

/** Makes one row, or several where it has several peers. */
export async function runRow(row: Row, context: RowContext): Promise<ResultRow[]> {
  const ways = row.peers.filter((way) => !way.compiled || context.compiler);
  const skipped = row.peers.length - ways.length;
  const note =
    skipped > 0 ? `${row.note ?? ''}; torch.compile needs g++, which is not here`.replace(/^; /, '') : row.note;
  const rows = row.memory ? await measureMemory(row, ways, context) : await measureTime(row, ways, context);
  return rows.map((made) => ({ ...made, note: note ?? '' }));
}

/** The spec with a place for the weights, the same for every way of computing the same model. */
function specOf(row: Row, extra: object, { scratch }: RowContext): object {
  const { precision, rank, steps, checkSteps, ...sizes } = row.spec as Record<string, unknown>;
  const key = createHash('sha256')
    .update(JSON.stringify([row.task === 'kind-step', sizes]))
    .digest('hex')
    .slice(0, 12);
  return { ...row.spec, ...extra, weights: join(scratch, `${key}.safetensors`) };
}

async function measureTime(row: Row, ways: readonly PeerWay[], context: RowContext): Promise<ResultRow[]> {
  const { crew, say, effort } = context;
  const engine = (row.engine ?? context.engine) as EngineName;
  const contestants: Contestant[] = [];
  const prepare = async (contestant: Contestant, task: string, spec: object) => {
    contestants.push(contestant);
    return contestant.prepare(task, spec);
  };
  try {
    const ours = await prepare(await crew.ours(engine, row.threads), row.task, specOf(row, {}, context));
    const fair: PeerWay[] = [];
    for (const [i, way] of ways.entries()) {
      say(`${row.name}: preparing ${way.label}`);
      const theirs = await prepare(await crew.peer(row.threads, i), way.task, specOf(row, way.spec ?? {}, context));
      const problem = disagreement(ours, theirs, row.tolerance ?? { relative: 1e-3 });
      if (problem === undefined) fair.push(way);
      else if (!way.compiled) throw new DisagreementError(`${row.name}: against ${way.label}, ${problem}`);
      else {
        // The eager form of the same program agrees: what the compiler makes of it is not ours to answer for.
        say(`${row.name}: ${way.label} left out, ${problem}`);
        crew.forget(contestants.pop() as Contestant);
      }
    }
    if (row.own) await prepare(await crew.ours(engine, row.threads, 1), row.own.task, row.own.spec);
    say(`${row.name}: timing`);
    const [own, ...others] = (await interleave(contestants, effort)).map(summarize);
    await Promise.all(contestants.map((contestant) => contestant.release()));
    const rivals = row.own ? [row.own] : fair;
    const made = rivals.map((rival, i) => resultRow(row, engine, own, { ...rival, times: others[i] }));
    if (made.length === 0) return [resultRow(row, engine, own)];
    if (!row.bestPeer) return made;
    return [made.reduce((best, next) => ((next.ratio ?? 0) < (best.ratio ?? 0) ? next : best))];
  } catch (error) {
    for (const contestant of contestants) crew.forget(contestant);
    throw error;
  }
}

/** Where our time goes in a row, as text. */
export async function profileRow(row: Row, context: RowContext): Promise<string> {
  const ours = await context.crew.ours((row.engine ?? context.engine) as EngineName, row.threads);
  await ours.prepare(row.task, specOf(row, {}, context));
  await ours.run(1, 1);
  const text = profileText(await ours.profile(5));
  await ours.release();
  return text;
}

/** Processes of their own; the weights are written by another one before, for that takes memory too. */
async function measureMemory(row: Row, ways: readonly PeerWay[], context: RowContext): Promise<ResultRow[]> {
  const { crew, say } = context;
  const engine = (row.engine ?? context.engine) as EngineName;
  say(`${row.name}: training in fresh processes`);
  const writer = await crew.ours(engine);
  await writer.prepare(row.task, specOf(row, {}, context));
  await writer.release();
  const peak = async (contestant: Contestant, task: string, spec: object): Promise<Summary> => {
    try {
      await contestant.prepare(task, spec); // three steps
      await contestant.run(2, 1);
      const median = await contestant.peakMiB();
      return { median, best: median, count: 1 };
    } finally {
      contestant.stop();
    }
  };
  const own = await peak(await crew.startOurs(engine), row.task, specOf(row, {}, context));
  const rows: ResultRow[] = [];
  for (const way of ways) {
    const times = await peak(await crew.startPeer(), way.task, specOf(row, way.spec ?? {}, context));
    rows.push({ ...resultRow(row, engine, own, { ...way, times }), unit: 'MiB' });
  }
  return rows;
}

function resultRow(
  row: Row,
  engine: string,
  own: Summary,
  rival?: { label: string; goal?: number; times: Summary },
): ResultRow {
  return {
    name: row.name,
    section: row.section,
    oursMs: own.median,
    peer: rival?.label ?? null,
    peerMs: rival?.times.median ?? null,
    ratio: rival ? rival.times.median / own.median : null,
    note: row.note ?? '',
    oursBestMs: own.best,
    peerBestMs: rival?.times.best ?? null,
    bestRatio: rival ? rival.times.best / own.best : null,
    ...(rival?.goal !== undefined && { goal: rival.goal }),
    ...(row.x !== undefined && { x: row.x }),
    engine,
    at: new Date().toISOString(),
  };
}
