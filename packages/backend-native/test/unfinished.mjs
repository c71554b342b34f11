// A process that ends, or is ended, while kernels are computed. The first argument says how.
import { registerNativeBackend } from '@learngene/backend-native';
import * as tf from '@tensorflow/tfjs-core';

registerNativeBackend();
await tf.setBackend('native');
const a = tf.fill([1000, 1000], 1e-3);
/** Some hundred milliseconds of work that nobody waits for. */
const begin = () => tf.tidy(() => Array.from({ length: 10 }, () => tf.matMul(a, a)));

const ways = {
  exit: () => process.exit(3),
  end: () => process.stdout.write('done'),
  throw: () => {
    throw new Error('on purpose');
  },
  interrupt: () => process.kill(process.pid, 'SIGINT'),
  handler: () => {
    process.once('SIGINT', () => {
      process.stdout.write(`handled ${a.dataSync()[0].toFixed(3)}`);
      process.exit(130);
    });
    process.kill(process.pid, 'SIGINT');
    setTimeout(() => {}, 10_000);
  },
  /** A product that this instruction set does not have fails when it is computed. */
  failure: () => {
    const { addon } = tf.backend();
    const one = new Float32Array(1);
    addon.gemm(1, 1, 1, 4, one, one, new Float32Array(1), undefined, 0);
    const told = (read) => {
      try {
        read();
        return 'nothing';
      } catch (error) {
        return error.message;
      }
    };
    process.stdout.write(JSON.stringify([told(() => a.dataSync()), told(() => a.dataSync())]));
  },
};
begin();
ways[process.argv[2]]();
