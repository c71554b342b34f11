// The page of threads.test.ts: the engine wasm on a number of threads, and steps of training on it.
import { chooseEngine, EngineError } from '@learngene/engines';
import { attention, groupedLowRank, linear, valueAndGrad } from '@learngene/nn';
import { createGenerator, normal } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';

/** What the page came to. */
export interface Outcome {
  readonly detail?: string;
  readonly reason?: string;
  readonly remedy?: string;
  readonly isolated: boolean;
  /** The loss and the gradients of every step. */
  readonly numbers?: readonly number[][];
  /** Whether the heap is shared between threads while it computes, and whether anything is left after the backend. */
  readonly shared?: boolean;
}

function draw(g: ReturnType<typeof createGenerator>, ...shape: number[]): tf.Tensor {
  return tf.tensor(normal(g, tf.util.sizeFromShape(shape)), shape);
}

/** A step through products, attention, and a grouped layer, with all gradients. */
function step(seed: number): number[][] {
  return tf.tidy(() => {
    const g = createGenerator(seed);
    const factors = (r: number) => ({ u: draw(g, 96, r), s: draw(g, r), v: draw(g, 96, r) });
    const params = { weight: draw(g, 96, 64), common: factors(24), first: factors(4), second: factors(3) };
    const x = draw(g, 12, 32, 64);
    const { value, grads } = valueAndGrad((p) => {
      const q = linear(x, p.weight as tf.Tensor2D) as tf.Tensor3D;
      const y = groupedLowRank(q, {
        common: p.common as never,
        segments: [
          { start: 0, end: 5, factors: p.first as never },
          { start: 5, end: 12, factors: p.second as never },
        ],
      });
      return tf.mean(tf.square(attention(y, q, y, { heads: 4 }))) as tf.Scalar;
    }, params);
    const leaves = [grads.weight, ...[grads.common, grads.first, grads.second].flatMap(({ u, s, v }) => [u, s, v])];
    return [value, ...leaves].map((tensor) => Array.from(tensor.dataSync()));
  });
}

async function run(threads?: number): Promise<Outcome> {
  const isolated = globalThis.crossOriginIsolated;
  try {
    const { detail } = await chooseEngine('wasm', { wasmPaths: '/wasm/', ...(threads !== undefined && { threads }) });
    const { HEAPU8 } = (tf.backend() as unknown as { wasm: { HEAPU8: Uint8Array } }).wasm;
    const shared = !(HEAPU8.buffer instanceof ArrayBuffer);
    const numbers = [1, 2].flatMap(step);
    tf.removeBackend('wasm');
    return { detail, isolated, numbers, shared };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return { reason: error.reason, ...(error.remedy && { remedy: error.remedy }), isolated };
  }
}

Object.assign(globalThis, { run });
