import { checkWord } from './core/check';

/** Numbers that processes exchange. */
export type Exchanged = Float32Array | Float64Array | Int32Array;

/** How an all-reduce combines the values of all processes. */
export type ReduceOperation = 'sum' | 'max' | 'min';

/**
 * How the processes of one job talk to each other, as MPI does. Every process calls the same operations in the same order
 * with arrays of the same length. No operation changes its argument; the caller owns what it returns.
 */
export interface Communicator {
  /** This process, from 0. */
  readonly rank: number;
  /** How many processes there are. */
  readonly size: number;
  /** Reduces element by element over all processes; every process gets the same result. */
  allReduce<T extends Exchanged>(values: T, operation: ReduceOperation): Promise<T>;
  /** The values of every process, by rank; every process gets them all. */
  allGather<T extends Exchanged>(values: T): Promise<T[]>;
  /** The values of the process `root`; every process gets them. */
  broadcast<T extends Exchanged>(values: T, root: number): Promise<T>;
  /** Waits until every process is here. */
  barrier(): Promise<void>;
}

const OPERATIONS = ['sum', 'max', 'min'];

/**
 * The communicator of a job that is one process: rank 0 of 1. Every operation gives back a copy of what came.
 *
 * Its operations reject for an unknown reduction and for a root other than 0.
 */
export const singleProcess: Communicator = {
  rank: 0,
  size: 1,
  async allReduce(values, operation) {
    checkWord('operation', operation, OPERATIONS);
    return values.slice() as typeof values;
  },
  async allGather(values) {
    return [values.slice() as typeof values];
  },
  async broadcast(values, root) {
    if (root !== 0) throw new Error(`root: expected 0, the only process, got ${root}`);
    return values.slice() as typeof values;
  },
  async barrier() {},
};
