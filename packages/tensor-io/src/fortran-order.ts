import type { TensorData } from './tensor-data';

/** Rearranges data whose first axis runs fastest (column-major) into row-major order, in a new array. */
export function fromFortranOrder(tensor: TensorData): TensorData {
  const { shape, data } = tensor;
  if (shape.length < 2 || data.length === 0) return tensor;
  const source: { readonly [index: number]: number | bigint } = data;
  const result = data.slice();
  const target: { [index: number]: number | bigint } = result;
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, size) => product * size, 1));
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let to = 0; to < data.length; to++) {
    target[to] = source[from];
    // Count up in row-major order: the last axis first, with carries.
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return { ...tensor, data: result } as TensorData;
}
