// In every test, an op with more inputs than a WebGPU device binds (8 storage buffers, one for the output) throws: tfjs
// does not check, and such a device drops the whole command buffer without an error. `Concat` splits itself there, kernels
// of our own run on our own backends, and libtensorflow has no limit.
import * as tf from '@tensorflow/tfjs-core';

const MOST = 7;
const engine = tf.engine();
const runKernel = engine.runKernel;

engine.runKernel = function checked(name, inputs, attrs) {
  const count = Object.keys(inputs).length;
  const limited = name !== 'Concat' && !name.startsWith('Learngene') && tf.getBackend() !== 'tensorflow';
  if (limited && count > MOST) throw new Error(`${name}: ${count} inputs, but a WebGPU device takes ${MOST}`);
  return runKernel.call(engine, name, inputs, attrs) as never;
};
