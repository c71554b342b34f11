import { backend, getBackend } from '@tensorflow/tfjs-core';
import { NATIVE, type NativeBackend, type Precision } from './backend';

/**
 * Sets the precision of matrix products on the native backend of this thread, which must be the active backend.
 * Gradients use the precision that is set when they are computed: set it once, before training.
 *
 * @throws Error on an unknown precision, where another backend is active, or where the processor has no bfloat16
 *   products (AVX512-BF16)
 */
export function setNativePrecision(precision: Precision): void {
  if (precision !== 'f32' && precision !== 'bf16') {
    throw new Error(`precision: expected 'f32' or 'bf16', got ${JSON.stringify(precision)}`);
  }
  if (getBackend() !== NATIVE) {
    throw new Error(`precision ${precision}: expected the active backend to be native, got ${getBackend()}`);
  }
  const native = backend() as NativeBackend;
  if (precision === 'bf16' && !native.addon.hasBf16()) {
    throw new Error(
      `precision bf16: this processor has no products of bfloat16 (AVX512-BF16; the instruction set in use is ${native.addon.simdLevel()})`,
    );
  }
  native.precision = precision;
}
