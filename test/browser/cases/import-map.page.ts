// Runs as it is, without a bundler: its imports are found by the page's import map.
import '@tensorflow/tfjs-backend-cpu';
import { valueAndGrad } from '@learngene/nn';
import { registerWasmTrainingKernels } from '@learngene/nn/wasm';
import * as tf from '@tensorflow/tfjs-core';

/** What the modules of these names export, and whether they share one tfjs. */
async function run(names: string[]) {
  const exported: Record<string, string[]> = {};
  for (const name of names) {
    console.info(`importing ${name}`);
    exported[name] = Object.keys(await import(name)).sort();
  }
  console.info('computing');
  await tf.setBackend('cpu');
  registerWasmTrainingKernels();
  const { grads } = valueAndGrad(({ x }) => tf.sum(tf.square(x)) as tf.Scalar, { x: tf.tensor1d([1, 2, 3]) });
  return {
    exported,
    gradient: Array.from(await grads.x.data()),
    wasmKernel: tf.getKernel('UnsortedSegmentSum', 'wasm') !== undefined,
  };
}

Object.assign(globalThis, { run });
