import os from 'node:os';

/** The machine that engines run on. */
export interface MachineDescription {
  /** Version of Node. */
  readonly node: string;
  /** System and architecture. */
  readonly platform: string;
  /** Name of the processor. */
  readonly cpu: string;
  /** Threads that Node may use. */
  readonly threads: number;
  /** Memory, rounded. */
  readonly memoryGiB: number;
}

/** Describes this machine. */
export function describeMachine(): MachineDescription {
  return {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: os.cpus()[0]?.model ?? 'unknown',
    threads: os.availableParallelism(),
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
  };
}
