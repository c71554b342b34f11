// A JavaScript thread that trains a small layer on the native backend; posts the digest of its weights.
import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { registerNativeBackend } from '@learngene/backend-native';
import * as tf from '@tensorflow/tfjs-core';

registerNativeBackend();
await tf.setBackend('native');
const values = (size, phase) => Float32Array.from({ length: size }, (_, i) => Math.sin(i * 0.37 + phase));
let w = tf.tensor2d(values(128 * 96, workerData.phase), [128, 96]);
const x = tf.tensor2d(values(256 * 128, 1), [256, 128]);
for (let step = 0; step < workerData.steps; step++) {
  const next = tf.tidy(() => {
    const y = tf.tanh(tf.matMul(x, w));
    const dw = tf.matMul(x, tf.mul(y, tf.sub(1, tf.square(y))), true, false);
    return tf.sub(w, tf.mul(dw, 1e-3));
  });
  w.dispose();
  w = next;
}
parentPort.postMessage(createHash('sha256').update(w.dataSync()).digest('hex'));
