import type { TensorData } from '@learngene/tensor-io';

/** torch's [out, in, kernel, kernel] as ours, [kernel, kernel, in, out]; the bits of the numbers stay. */
export function filterFromTorch(tensor: TensorData): TensorData {
  const [O, I, K, L] = tensor.shape;
  return moved(tensor, [K, L, I, O], (o, i, a, b) => ((a * L + b) * I + i) * O + o, [O, I, K, L]);
}

/** Our [kernel, kernel, in, out] as torch's, [out, in, kernel, kernel]; the bits of the numbers stay. */
export function filterToTorch(tensor: TensorData): TensorData {
  const [K, L, I, O] = tensor.shape;
  return moved(tensor, [O, I, K, L], (a, b, i, o) => ((o * I + i) * K + a) * L + b, [K, L, I, O]);
}

function moved(
  { dtype, data }: TensorData,
  shape: readonly number[],
  place: (a: number, b: number, c: number, d: number) => number,
  [A, B, C, D]: readonly number[],
): TensorData {
  const result = new (data.constructor as new (length: number) => typeof data)(data.length);
  let from = 0;
  for (let a = 0; a < A; a++)
    for (let b = 0; b < B; b++)
      for (let c = 0; c < C; c++) for (let d = 0; d < D; d++) result[place(a, b, c, d)] = data[from++];
  return { dtype, shape, data: result } as TensorData;
}
