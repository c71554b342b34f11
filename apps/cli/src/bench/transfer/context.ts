import type { Output } from '../../cli/output';
import type { Plan } from './plan';

/** What every piece of work of a grid is given. */
export interface JobContext {
  /** The grid's folder. */
  out: string;
  plan: Plan;
  output: Output;
  signal: AbortSignal;
  /** Tells how far the work is, from 0 to 1. */
  progress(done: number): void;
}
