import type { Section } from './catalog';

/** One comparison, as `results/latest.json` holds it. */
export interface ResultRow {
  /** What was done. */
  name: string;
  /** The section of the table that it belongs to. */
  section: Section;
  /** Median of our time, ms (memory rows: MiB; see `unit`). */
  oursMs: number;
  /** With what it is compared: program, precision, mode. Null where ours is only reported. */
  peer: string | null;
  /** Median of the peer's time, ms. */
  peerMs: number | null;
  /** peerMs / oursMs: above 1, ours is faster (or smaller). */
  ratio: number | null;
  /** Details that a reader needs. */
  note: string;
  /** Best decile of our time. */
  oursBestMs: number;
  /** Best decile of the peer's time. */
  peerBestMs: number | null;
  /** peerBestMs / oursBestMs. */
  bestRatio: number | null;
  /** The ratio that the project wants, where it has set one. */
  goal?: number;
  /** What the two figures are, if not milliseconds. */
  unit?: 'MiB';
  /** Our rate, GFLOP/s, where the row counts its operations. */
  rate?: number;
  /** The rate that the project wants, where it has set one, GFLOP/s. */
  rateGoal?: number;
  /** The rate of one large product in the same run, GFLOP/s. */
  productRate?: number;
  /** The share of that rate that the project wants, where it has set one. */
  shareGoal?: number;
  /** Place on the x axis of a growth curve. */
  x?: number;
  /** Our engine. */
  engine: string;
  /** When it was measured, ISO 8601. */
  at: string;
}

/** Where and with what the rows were measured. */
export interface ResultHeader {
  /** Processor, cores, memory, operating system. */
  machine: { cpu: string; cores: number; memoryGiB: number; system: string };
  /** Threads that both sides used. */
  threads: number;
  /** Our engine: name and what it says of itself. */
  engine: { name: string; detail: string };
  /** Program versions of both sides. */
  versions: Record<string, string>;
  /** Git commit of the working tree, where git is there. */
  commit: string;
  /** When the last row was measured, ISO 8601. */
  date: string;
  /** Whether the rounds were the short ones of `--quick`. */
  quick: boolean;
}

/** The file `results/latest.json`. */
export interface Results {
  /** The newest run. */
  header: ResultHeader;
  /** Earlier runs that some rows are still from, oldest first. */
  earlier?: ResultHeader[];
  rows: ResultRow[];
}

/** The run that a row was measured in: of those that ended after it, the first. */
export function runOf({ at }: ResultRow, { header, earlier = [] }: Results): ResultHeader {
  return [...earlier, header].find(({ date }) => date >= at) ?? header;
}

/** Results of a new run in the place of those that it measured again; the other rows stay, with the run they are from. */
export function mergeResults(old: Results | undefined, fresh: Results): Results {
  if (!old) return fresh;
  const earlier = [...(old.earlier ?? []), old.header];
  const all = { header: fresh.header, earlier, rows: mergeRows(old.rows, fresh.rows) };
  const needed = new Set(all.rows.map((row) => runOf(row, all)));
  return { ...all, earlier: earlier.filter((run) => needed.has(run)) };
}

/** New rows in the place of old ones with the same name and peer; other old rows stay when the engine is the same. */
export function mergeRows(old: readonly ResultRow[], fresh: readonly ResultRow[]): ResultRow[] {
  const key = ({ name, peer, engine }: ResultRow) => JSON.stringify([name, peer, engine]);
  const replaced = new Map(fresh.map((row) => [key(row), row]));
  const kept = old.map((row) => {
    const row2 = replaced.get(key(row));
    replaced.delete(key(row));
    return row2 ?? row;
  });
  return [...kept, ...replaced.values()];
}
