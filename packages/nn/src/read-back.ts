import type { DataId, Tensor, TypedArray } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { type ParamTree, paramLeaves } from './tree';

/** The values of a tensor are on a device that can only be read asynchronously. */
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

/** The part of tfjs's WebGPU backend that tells whether values are on the host. */
interface DeviceBackend {
  readonly tensorMap: { get(dataId: DataId): { readonly values?: TypedArray | null } | undefined };
}

/**
 * Whether the values of a tensor can be read without waiting. This is so on every backend but WebGPU. On WebGPU it is
 * so for a tensor made from numbers that no op has used yet, and for one that was read before.
 */
export function canReadSync(x: Tensor): boolean {
  const backend = tf.engine().state.tensorInfo.get(x.dataId)?.backend;
  // Not findBackend, which starts a backend that is registered and does not run yet.
  if (backend === undefined || backend !== tf.engine().registry.webgpu) return true;
  return (backend as unknown as DeviceBackend).tensorMap.get(x.dataId)?.values != null;
}

/**
 * Reads the values of a tensor synchronously. It is the only place in these packages that does so.
 *
 * @returns The backend's own array: read it, never write it.
 * @throws ReadBackError where {@link canReadSync} is false; {@link readingBack} puts the caller's name into it.
 */
export function readSync(x: Tensor): TypedArray {
  if (!canReadSync(x)) throw new ReadBackError();
  return x.dataSync();
}

/**
 * Runs a function that calls {@link readSync}. Where that cannot read, the error names the async form of `caller`. Of
 * nested calls it names the outermost, because that is the one the user called.
 */
export function readingBack<T>(caller: string, f: () => T): T {
  try {
    return f();
  } catch (error) {
    throw error instanceof ReadBackError ? new ReadBackError(caller) : error;
  }
}

/**
 * Waits until the values of tensors are on the host. Then {@link readSync} reads them on every backend. The async form
 * of a function that reads its inputs back calls this first. Tensors are copied one after another, so the device needs
 * memory for one copy. On WebGPU the host keeps the values as long as the tensor lives.
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
