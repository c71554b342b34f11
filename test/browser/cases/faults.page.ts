// The page of faults.test.ts: on webgpu, what goes wrong without anybody asking.
import * as tf from '@tensorflow/tfjs-core';
import { startEngine } from '../page/engine';

/** Bits of GPUBufferUsage, of which no buffer may have both. */
const [MAP_READ, MAP_WRITE] = [1, 2];

/** What the page uses of WebGPU's GPUDevice. */
interface Device {
  readonly queue: { onSubmittedWorkDone(): Promise<void> };
  readonly lost: Promise<unknown>;
  createBuffer(descriptor: { size: number; usage: number }): unknown;
  destroy(): void;
}

async function run(fault: 'none' | 'an invalid buffer' | 'an op of nine tensors' | 'a lost device'): Promise<number[]> {
  await startEngine('webgpu');
  const device = (tf.backend() as unknown as { device: Device }).device;
  if (fault === 'an invalid buffer') device.createBuffer({ size: 4, usage: MAP_READ | MAP_WRITE });
  const sum = Array.from(await tf.add([1, 2], [3, 4]).data());
  if (fault === 'an op of nine tensors') await tf.addN(Array.from({ length: 9 }, () => tf.scalar(1))).data();
  if (fault === 'a lost device') device.destroy();
  await (fault === 'a lost device' ? device.lost : device.queue.onSubmittedWorkDone());
  return sum;
}

Object.assign(globalThis, { run });
