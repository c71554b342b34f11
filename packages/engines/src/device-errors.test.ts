import { useDeviceBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { DeviceError, guardReads, type WatchedDevice } from './device-errors';

/** A device whose errors a test makes. */
function fakeDevice() {
  const events = new EventTarget();
  let lose: (info: { reason?: string; message: string }) => void = () => {};
  const device = {
    addEventListener: (type: string, listener: (event: never) => void) =>
      events.addEventListener(type, listener as never),
    lost: new Promise<{ reason?: string; message: string }>((resolve) => {
      lose = resolve;
    }),
  } as WatchedDevice;
  const refuse = (message: string) =>
    events.dispatchEvent(Object.assign(new Event('uncapturederror'), { error: new Error(message) }));
  return { device, refuse, lose };
}

/** A backend that reads as told. */
const backendOf = (read: () => Promise<Float32Array>) => ({ read }) as unknown as tf.KernelBackend;

describe('guardReads', () => {
  const values = Float32Array.of(1);
  const readable = () => backendOf(() => Promise.resolve(values));

  test('reads go through as long as the device is well', async () => {
    const backend = readable();
    guardReads(backend, fakeDevice().device);
    expect(await backend.read({})).toBe(values);
  });

  test.each([
    ['an error before a read', true],
    ['an error during a read', false],
  ])('%s makes it and all later ones throw', async (_, before) => {
    const { device, refuse } = fakeDevice();
    const refused = () => refuse('10 storage buffers exceed the limit 8\n - While validating');
    const failing = () => {
      setImmediate(refused);
      return Promise.resolve(values);
    };
    const backend = before ? readable() : backendOf(failing);
    guardReads(backend, device);
    if (before) refused();
    const message = 'the graphics device refused a command: 10 storage buffers exceed the limit 8;';
    await expect(backend.read({})).rejects.toThrow(message);
    await expect(backend.read({})).rejects.toThrow(DeviceError);
  });

  test('a lost device is the cause of the read that failed with it', async () => {
    const { device, lose } = fakeDevice();
    const backend = backendOf(async () => {
      lose({ reason: 'unknown', message: 'out of memory' });
      throw new Error('mapAsync was aborted');
    });
    guardReads(backend, device);
    await expect(backend.read({})).rejects.toThrow('the graphics device is lost (unknown): out of memory;');
  });

  test('another failure of a read stays what it is', async () => {
    const backend = backendOf(() => Promise.reject(new Error('no such tensor')));
    guardReads(backend, fakeDevice().device);
    await expect(backend.read({})).rejects.toThrow('no such tensor');
  });
});

describe('a tensor', () => {
  beforeEach(useDeviceBackend);

  test('is not read from a device that reported an error', async () => {
    const { device, refuse } = fakeDevice();
    guardReads(tf.backend(), device);
    const x = tf.square(tf.tensor1d([3]));
    expect(Array.from(await x.data())).toEqual([9]);
    refuse('dropped');
    await expect(tf.square(x).data()).rejects.toThrow('refused a command: dropped');
  });
});
