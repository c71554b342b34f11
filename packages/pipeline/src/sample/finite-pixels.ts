import type { Denoiser } from '@learngene/diffusion';
import * as tf from '@tensorflow/tfjs-core';

/** A network gave pixels that are NaN or infinite. */
export class NonFinitePixelsError extends Error {
  /** Always `'NonFinitePixelsError'`. */
  override name = 'NonFinitePixelsError';
}

/** Throws where a value is NaN or infinite, and says where to look. */
export function checkFinite(values: ArrayLike<number>, batch: string, { guidance }: { guidance: number }): void {
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    throw new NonFinitePixelsError(
      `sampling ${batch}: expected finite pixels, got ${values[i]}; look for NaN or huge values in the model's weights, and at the guidance, ${guidance}`,
    );
  }
}

/** What {@link watchFinite} gives. */
export interface FiniteWatch {
  /** The network, with the same outputs. */
  watched: Denoiser;
  /** One value: 0 where all outputs so far were finite, else NaN. */
  read(): Promise<ArrayLike<number>>;
  dispose(): void;
}

/**
 * Remembers whether all outputs of a network were finite. The pixels do not tell, because clipping on some engines
 * turns NaN into a bound.
 */
export function watchFinite(denoiser: Denoiser): FiniteWatch {
  let sum: tf.Tensor = tf.keep(tf.scalar(0)); // NaN or infinity times 0 is NaN, and stays in the sum
  const watched: Denoiser = (x, t) => {
    const out = denoiser(x, t);
    const next = tf.keep(tf.tidy(() => tf.add(sum, tf.sum(tf.mul(out, 0)))));
    sum.dispose();
    sum = next;
    return out;
  };
  return { watched, read: async () => sum.data(), dispose: () => sum.dispose() };
}
