/** Something that is timed. */
export interface WorkItem {
  /** Does the work once, to its end; what it returns is ignored. */
  run(): unknown;
  /** A few numbers of the result that the peer's work must have too. Called once, before any `run`. */
  check(): Promise<number[]>;
  /** Frees what the item holds. */
  dispose(): void;
}

/** Makes a work item of a row's spec. */
export type Task = (spec: never) => Promise<WorkItem>;
