import type { DataId, Tensor, TypedArray } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { type ParamTree, paramLeaves } from './tree';

/** The values of a tensor are on a device that hands them over asynchronously alone. */
export class ReadBackError extends Error {
  /** @param caller - The function that reads back, whose async form the message names. */
  constructor(caller?: string) {
    super(
      caller === undefined
        ? 'WebGPU reads tensors back only asynchronously: await prefetch(tensor) first'
        : `${caller} reads tensors back, which WebGPU can only do asynchronously: call ${caller}Async and await it`,
    );
    this.name = 'ReadBackError';
  }
}

/** What of tfjs's WebGPU backend tells whether it holds values on the host. */
interface DeviceBackend {
  readonly tensorMap: { get(dataId: DataId): { readonly values?: TypedArray | null } | undefined };
}

/**
 * True where the values of a tensor can be read without waiting: on every backend but WebGPU; there for what was made
 * from numbers and no op has used yet, and for what was read before.
 */
export function canReadSync(x: Tensor): boolean {
  const backend = tf.engine().state.tensorInfo.get(x.dataId)?.backend;
  // Not findBackend, which starts a backend that is registered and does not run yet.
  if (backend === undefined || backend !== tf.engine().registry.webgpu) return true;
  return (backend as unknown as DeviceBackend).tensorMap.get(x.dataId)?.values != null;
}

/**
 * The values of a tensor, now: the only place in these packages that reads a device synchronously.
 *
 * @returns The backend's own array: read it, never write it.
 * @throws ReadBackError where {@link canReadSync} is false; {@link readingBack} puts the caller's name into it.
 */
export function readSync(x: Tensor): TypedArray {
  if (!canReadSync(x)) throw new ReadBackError();
  return x.dataSync();
}

/**
 * Runs a function that calls {@link readSync}; where that cannot read, the error names the async form of `caller`. Of
 * nested calls the outermost is named: it is what the user called.
 */
export function readingBack<T>(caller: string, f: () => T): T {
  try {
    return f();
  } catch (error) {
    throw error instanceof ReadBackError ? new ReadBackError(caller) : error;
  }
}

/**
 * Waits until the values of tensors are on the host, after which {@link readSync} reads them on every backend. It is what
 * makes the async form of a function that reads its inputs back. One tensor after another, so that a device needs memory
 * for one copy; on WebGPU the host keeps the values as long as the tensor lives.
 *
 * @param tensors - Tensors or trees of them; never disposed.
 */
export async function prefetch(...tensors: readonly (Tensor | ParamTree)[]): Promise<void> {
  for (const tree of tensors) {
    for (const x of tree instanceof tf.Tensor ? [tree] : paramLeaves(tree)) {
      if (!canReadSync(x)) await x.data();
    }
  }
}
