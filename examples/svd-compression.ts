// Compresses a linear layer: factor it, keep the rank-1 components that a budget pays for, and see what is lost. The
// error is the one that Eckart and Young promise: the energy of the components that were dropped.
// Run: npm run example svd-compression
import '@tensorflow/tfjs-backend-cpu';
import { createGenerator, normal } from '@learngene/random';
import {
  applyFactored,
  componentEnergies,
  composeDense,
  factorDense,
  factoredParamCount,
  factoredSize,
  truncateFactored,
} from '@learngene/tensor-svd';
import * as tf from '@tensorflow/tfjs-core';

await tf.setBackend('cpu');
const g = createGenerator(0);
const IN = 96;
const OUT = 64;

// A weight whose k-th direction is 0.8^k strong, as trained weights tend to be: few directions do most of the work.
const strengths = tf.tensor1d(Float32Array.from({ length: OUT }, (_, k) => 0.8 ** k));
const left = tf.tensor2d(normal(g, OUT * OUT), [OUT, OUT]);
const right = tf.tensor2d(normal(g, OUT * IN), [OUT, IN]);
const weight = tf.matMul(tf.mul(left, strengths), right) as tf.Tensor2D; // [out, in]

const layer = factorDense({ weight }); // weight = u diag(s) vᵀ
const total = componentEnergies(layer).reduce((sum, energy) => sum + energy, 0);
console.log(`dense: ${IN * OUT} parameters`);

const x = tf.tensor2d(normal(g, 8 * IN), [8, IN]);
const y = tf.matMul(x, weight, false, true); // [8, out]
const norm = (t: tf.Tensor) => tf.norm(t).dataSync()[0];

for (const maxParams of [4000, 2000, 1000]) {
  const small = truncateFactored(layer, { maxParams });
  const size = factoredSize(small);
  const kept = componentEnergies(small).reduce((sum, energy) => sum + energy, 0);
  const weightError = norm(tf.sub(composeDense(small).weight, weight)) / norm(weight);
  const outputError = norm(tf.sub(applyFactored(small, x), y)) / norm(y);
  console.log(
    `rank ${String(size.rank).padStart(2)}: ${factoredParamCount(size)} parameters,`,
    `weight off by ${(100 * weightError).toFixed(2)} % (promised ${(100 * Math.sqrt(1 - kept / total)).toFixed(2)} %),`,
    `output by ${(100 * outputError).toFixed(2)} %`,
  );
}

/* prints
dense: 6144 parameters
rank 24: 3864 parameters, weight off by 0.32 % (promised 0.32 %), output by 0.27 %
rank 12: 1932 parameters, weight off by 6.18 % (promised 6.18 %), output by 6.54 %
rank  6: 966 parameters, weight off by 22.51 % (promised 22.51 %), output by 18.59 %
*/
