import type { NamedTensors, TensorData } from '@learngene/tensor-io';

/** The tensors with some rows (first axis) of the tables named; the others as they are. */
export function withRows(tensors: NamedTensors, tables: readonly string[], rows: readonly number[]): NamedTensors {
  return new Map([...tensors].map(([name, tensor]) => [name, tables.includes(name) ? pick(tensor, rows) : tensor]));
}

function pick(tensor: TensorData, rows: readonly number[]): TensorData {
  const [count, ...rest] = tensor.shape;
  const size = tensor.data.length / count;
  const data = tensor.data.slice(0, rows.length * size) as Float32Array;
  for (const [at, row] of rows.entries()) {
    data.set((tensor.data as Float32Array).subarray(row * size, (row + 1) * size), at * size);
  }
  return { ...tensor, shape: [rows.length, ...rest], data } as TensorData;
}
