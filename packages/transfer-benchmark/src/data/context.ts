import type { Progress } from '@learngene/pipeline';
import type { Plan } from '../plan/plan';

/** What every piece of work of a grid is given. */
export interface JobContext {
  /** The grid's folder. */
  out: string;
  plan: Plan;
  /** The name of the engine that the work is done on. */
  engine: string;
  output: Progress;
  signal: AbortSignal;
  /** Tells how far the work is, from 0 to 1. */
  progress(done: number): void;
}
