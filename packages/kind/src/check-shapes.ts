/** What is checked of a tensor, be it a TensorData of a file or a tfjs tensor. */
export interface Shaped {
  /** 'F32' in a file, 'float32' in memory. */
  readonly dtype: string;
  /** Sizes of the axes. */
  readonly shape: readonly number[];
}

/** Throws on the first tensor that is missing, unknown, of another shape or not float32; the message names it. */
export function checkShapes(
  tensors: ReadonlyMap<string, Shaped>,
  shapes: ReadonlyMap<string, readonly number[]>,
): void {
  for (const [name, shape] of shapes) {
    const tensor = tensors.get(name);
    if (!tensor) throw new Error(`tensor ${name}: expected [${shape.join(', ')}], got none`);
    const { dtype } = tensor;
    if (dtype !== 'F32' && dtype !== 'float32') throw new Error(`tensor ${name}: expected float32, got ${dtype}`);
    if (tensor.shape.length !== shape.length || tensor.shape.some((size, axis) => size !== shape[axis])) {
      throw new Error(`tensor ${name}: expected [${shape.join(', ')}], got [${tensor.shape.slice(0, 8).join(', ')}]`);
    }
  }
  for (const name of tensors.keys()) {
    if (!shapes.has(name)) throw new Error(`tensor ${JSON.stringify(name.slice(0, 80))}: not a part of this model`);
  }
}
