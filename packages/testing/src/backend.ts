// tfjs-core registers no gradients by itself (see packages/nn/src/gradients.ts).
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { loadTfjsNode } from './tfjs-node';
import { loadWebgpu } from './webgpu';

/**
 * Selects the tfjs backend that the tests of this process run on: `cpu`, or what `LEARNGENE_TEST_BACKEND` names
 * (`wasm`, `webgpu`, `tensorflow`). Call it in `beforeAll`.
 */
export async function useTestBackend(): Promise<string> {
  const name = process.env.LEARNGENE_TEST_BACKEND ?? 'cpu';
  if (name === 'wasm') await import('@tensorflow/tfjs-backend-wasm');
  if (name === 'tensorflow') loadTfjsNode();
  if (name === 'webgpu') await loadWebgpu();
  if (!(await tf.setBackend(name))) throw new Error(`test backend ${name} could not be set`);
  await tf.ready();
  return name;
}
