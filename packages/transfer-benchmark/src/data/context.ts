import type { Progress } from '@learngene/pipeline';

/** What a worker is given besides its job. */
export interface JobContext {
  /** The benchmark's folder. */
  out: string;
  /** The name of the engine that computes, for records. */
  engine: string;
  output: Progress;
  signal: AbortSignal;
  /** Tells how far the job is, from 0 to 1. */
  progress(done: number): void;
}
