import type { Progress } from '@learngene/pipeline';

/** What a worker is given besides its job. */
export interface JobContext {
  /** The benchmark's folder. */
  out: string;
  /** The name of the engine that computes, for records. */
  engine: string;
  /** Gets messages and warnings of the job. */
  progress: Progress;
  /** An abort ends the job; what is on disk stays. */
  signal: AbortSignal;
  /** Tells how far the job is, from 0 to 1. */
  onProgress(done: number): void;
}
