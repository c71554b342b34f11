import type { FactoredSize } from './params';

/** Parameters of a factored layer: rank (in + out + 1), and `out` more with a bias (default without). */
export function factoredParamCount({ in: inputs, out, rank, bias = false }: FactoredSize & { bias?: boolean }): number {
  return rank * (inputs + out + 1) + (bias ? out : 0);
}

/**
 * Multiply-accumulates of a factored layer for one input row: rank (in + out). The products with s and the additions of
 * the bias are not counted, as usual.
 */
export function factoredMacs({ in: inputs, out, rank }: FactoredSize): number {
  return rank * (inputs + out);
}

/** What one component costs: parameters, multiply-accumulates of one input row, or bytes on disk. */
export type CostUnit =
  | 'params'
  | 'macs'
  | {
      /** Bytes of a stored number, such as 4 for float32. */
      readonly bytesPerValue: number;
    };

/** Cost of one rank-1 component of a layer with `in` inputs and `out` outputs. */
export function componentCost(size: { in: number; out: number }, unit: CostUnit): number {
  const one = { ...size, rank: 1 };
  if (typeof unit === 'object') return unit.bytesPerValue * factoredParamCount(one);
  switch (unit) {
    case 'params':
      return factoredParamCount(one);
    case 'macs':
      return factoredMacs(one);
    default:
      throw new Error(`unit: expected 'params', 'macs' or { bytesPerValue }, got ${String(unit satisfies never)}`);
  }
}
