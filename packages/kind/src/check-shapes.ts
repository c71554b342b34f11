import { firstNonFinite, type NamedTensors } from '@learngene/tensor-io';

/** What is checked of a tensor, be it a TensorData of a file or a tfjs tensor. */
export interface Shaped {
  /** 'F32', 'F16' or 'BF16' in a file, 'float32' in memory. */
  readonly dtype: string;
  /** Sizes of the axes. */
  readonly shape: readonly number[];
}

/** What numbers may be stored as; half floats are read as float32, which holds them exactly. */
const FLOATS = ['float32', 'F32', 'F16', 'BF16'];

/**
 * Throws on the first tensor that is missing, unknown, of another shape or neither float32 nor a half float; the message
 * names it.
 */
export function checkShapes(
  tensors: ReadonlyMap<string, Shaped>,
  shapes: ReadonlyMap<string, readonly number[]>,
): void {
  for (const [name, shape] of shapes) {
    const tensor = tensors.get(name);
    if (!tensor) throw new Error(`tensor ${name}: expected [${shape.join(', ')}], got none`);
    const { dtype } = tensor;
    if (!FLOATS.includes(dtype)) throw new Error(`tensor ${name}: expected float32 or half floats, got ${dtype}`);
    if (tensor.shape.length !== shape.length || tensor.shape.some((size, axis) => size !== shape[axis])) {
      throw new Error(`tensor ${name}: expected [${shape.join(', ')}], got [${tensor.shape.slice(0, 8).join(', ')}]`);
    }
  }
  for (const name of tensors.keys()) {
    if (!shapes.has(name)) throw new Error(`tensor ${JSON.stringify(name.slice(0, 80))}: not a part of this model`);
  }
}

/** Throws on the first tensor of a file that holds an infinity or NaN; the message names it. */
export function checkFinite(tensors: NamedTensors): void {
  for (const [name, tensor] of tensors) {
    const at = firstNonFinite(tensor) ?? -1;
    if (at < 0) continue;
    throw new Error(`tensor ${name}: expected finite numbers, got an infinity or NaN at element ${at}`);
  }
}
