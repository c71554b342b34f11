import * as tf from '@tensorflow/tfjs-core';

/** What a backend may have whose ops return before they have computed. */
interface QueuedBackend {
  /** The native engine: waits for all kernels that were called. */
  finish?(): void;
  /** WebGPU: hands over what was recorded. */
  submitQueue?(): void;
  queue?: { onSubmittedWorkDone(): Promise<unknown> };
}

/** Waits until the selected backend has computed all that ops have asked of it, so that a time holds the whole work. */
export function finishWork(): undefined | Promise<unknown> {
  const backend = tf.backend() as unknown as QueuedBackend;
  backend.finish?.();
  if (backend.submitQueue === undefined) return undefined;
  backend.submitQueue();
  return backend.queue?.onSubmittedWorkDone();
}
