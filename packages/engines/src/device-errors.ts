import type { KernelBackend } from '@tensorflow/tfjs-core';
import { nextTurn } from './next-turn';

/** The part of a WebGPU device that is used here. */
export interface WatchedDevice {
  /** The event of an error that no error scope takes. */
  addEventListener(type: 'uncapturederror', listener: (event: { error: Error }) => void): void;
  /** Resolves when the device is gone. */
  readonly lost: Promise<DeviceLoss>;
}

/** Why a device is gone. */
export interface DeviceLoss {
  /** Such as `destroyed`. */
  reason?: string;
  /** What is known about it. */
  message: string;
}

/** A graphics processor refused commands or was lost. Its results from then on cannot be trusted. */
export class DeviceError extends Error {
  /** Always `'DeviceError'`. */
  override readonly name = 'DeviceError';
}

/**
 * Makes the reads of a backend throw once its device has reported an uncaptured error or is lost. tfjs does not check
 * this: the device drops the commands, and wrong numbers follow. Every result is read before it is used, such as the
 * loss of a training step and each tensor of a checkpoint, so no result after the error is kept.
 */
export function guardReads(backend: KernelBackend, device: WatchedDevice): void {
  let failure: DeviceError | undefined;
  const fail = (what: string) => {
    const message = what.trim().split('\n')[0];
    failure ??= new DeviceError(`${message}; what it computes from here on is worthless, nothing of it was kept`);
  };
  device.addEventListener('uncapturederror', ({ error }) =>
    fail(`the graphics device refused a command: ${error.message}`),
  );
  device.lost.then(({ reason, message }) => {
    fail(`the graphics device is lost (${reason || 'unknown reason'}): ${message || 'no more is known'}`);
  });
  const read = backend.read.bind(backend);
  backend.read = async (dataId) => {
    if (failure) throw failure;
    try {
      return await read(dataId);
    } finally {
      await nextTurn(); // Errors are told in a turn of their own.
      // biome-ignore lint/correctness/noUnsafeFinally: the device's error is the cause of whatever else went wrong
      if (failure) throw failure;
    }
  };
}

/** Guards the reads of tfjs's WebGPU backend by the errors of its own device. */
export function guardBackend(backend: KernelBackend): void {
  guardReads(backend, (backend as KernelBackend & { device: WatchedDevice }).device);
}
