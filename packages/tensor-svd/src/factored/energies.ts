import { prefetch, readingBack, readSync } from '@learngene/nn';
import { matrixFromTensor } from '../tensor-matrix';
import { type FactoredParams, factoredSize } from './params';

/**
 * Energy of every component, s_i² ‖u_i‖² ‖v_i‖²: its squared Frobenius norm. For orthonormal u and v these are the
 * squared singular values, and their sum is the squared norm of the weight. Reads the layer back and computes in
 * float64.
 *
 * @returns float64 [rank], in the order of the components.
 * @throws When shapes do not go together or a parameter is not finite; `ReadBackError` on WebGPU.
 */
export function componentEnergies(f: FactoredParams): Float64Array {
  return readingBack('componentEnergies', () => energiesOf(f));
}

/** {@link componentEnergies} on every backend. It waits until the values are read back. */
export async function componentEnergiesAsync(f: FactoredParams): Promise<Float64Array> {
  await prefetch(f.u, f.s, f.v);
  return componentEnergies(f);
}

function energiesOf(f: FactoredParams): Float64Array {
  const { rank } = factoredSize(f);
  const u = columnSquares(matrixFromTensor(f.u).data, rank);
  const v = columnSquares(matrixFromTensor(f.v).data, rank);
  const s = readSync(f.s);
  return Float64Array.from({ length: rank }, (_, i) => {
    const energy = s[i] ** 2 * u[i] * v[i];
    if (!Number.isFinite(energy))
      throw new Error(`f: expected finite parameters, got energy ${energy} of component ${i}`);
    return energy;
  });
}

function columnSquares(data: Float64Array, cols: number): Float64Array {
  const sums = new Float64Array(cols);
  for (let at = 0; at < data.length; ) for (let j = 0; j < cols; j++) sums[j] += data[at++] ** 2;
  return sums;
}
