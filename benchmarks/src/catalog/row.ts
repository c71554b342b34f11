import type { Section } from './sections';

/** How far the numbers of both sides may differ. */
export interface Tolerance {
  /** Largest difference relative to the larger of the two numbers. */
  relative: number;
  /** Largest difference where both numbers are about zero (default 1e-6). */
  absolute?: number;
}

/** One implementation of the work by a peer. */
export interface PeerImplementation {
  /** What the table says: program, mode, precision. */
  label: string;
  /** Task of python/worker.py. */
  task: string;
  /** Goes over the row's spec. */
  spec?: object;
  /** The ratio that the project wants. */
  goal?: number;
  /** Needs a C++ compiler. */
  compiled?: boolean;
  /** It computes another model, so that its numbers are not compared with ours. */
  otherModel?: boolean;
}

/** A comparison to be made. */
export interface Row {
  name: string;
  section: Section;
  /** Task of our worker. */
  task: string;
  spec: object;
  /** All are timed in the same rounds; of `best` peers only the faster one makes a row. */
  peers: readonly PeerImplementation[];
  /** Only the fastest peer is reported, as one row (default false). */
  bestPeer?: boolean;
  /** Another work item of our own takes the peer's place, on the row's threads or others. */
  own?: { label: string; task: string; spec: object; goal?: number; threads?: number };
  /** Whether `--quick` includes it; 'only': a shorter form of another row, which only `--quick` makes. */
  quick?: boolean | 'only';
  /** How far the numbers of both sides may differ; default 1e-3 relative. */
  tolerance?: Tolerance;
  note?: string;
  /** Floating-point operations of an execution: the rate of one large product is then measured in the same run. */
  flops?: number;
  /** The rate that the project wants, GFLOP/s. */
  rateGoal?: number;
  /** The share of the large product's rate that the project wants. */
  shareGoal?: number;
  /** Place on a growth curve. */
  x?: number;
  /** Threads of both sides, where the row sets them. */
  threads?: number;
  /** Engine of our side, where the row sets it. */
  engine?: string;
  /** Peak memory is measured instead of time, in processes of their own. */
  memory?: boolean;
  /** Needs bf16 of the engine. */
  bf16?: boolean;
}
