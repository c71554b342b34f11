import type { FactoredSize } from './params';

/**
 * Parameters of a factored layer: rank (in + out + 1), plus `out` with a bias (default without).
 *
 * @throws When a width is no positive integer or the rank no integer of at least 0.
 */
export function factoredParamCount({ in: inputs, out, rank, bias = false }: FactoredSize & { bias?: boolean }): number {
  checkSize({ in: inputs, out, rank });
  return rank * (inputs + out + 1) + (bias ? out : 0);
}

/**
 * Multiply-accumulates of a factored layer for one input row: rank (in + out). As usual, the products with s and the
 * additions of the bias are not counted.
 *
 * @throws As {@link factoredParamCount}.
 */
export function factoredMacs({ in: inputs, out, rank }: FactoredSize): number {
  checkSize({ in: inputs, out, rank });
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

/**
 * Cost of one rank-1 component of a layer with `in` inputs and `out` outputs.
 *
 * @throws When a width is no positive integer, on an unknown unit or a number of bytes that is not above 0.
 */
export function componentCost(size: { in: number; out: number }, unit: CostUnit): number {
  const one = { ...size, rank: 1 };
  if (typeof unit === 'object') {
    const { bytesPerValue } = unit;
    if (!(bytesPerValue > 0 && bytesPerValue < Number.POSITIVE_INFINITY)) {
      throw new Error(`bytesPerValue: expected a number above 0, got ${bytesPerValue}`);
    }
    return bytesPerValue * factoredParamCount(one);
  }
  switch (unit) {
    case 'params':
      return factoredParamCount(one);
    case 'macs':
      return factoredMacs(one);
    default:
      throw new Error(`unit: expected 'params', 'macs' or { bytesPerValue }, got ${String(unit satisfies never)}`);
  }
}

function checkSize({ in: inputs, out, rank }: FactoredSize): void {
  checkWidths(inputs, out);
  if (!Number.isInteger(rank) || rank < 0) throw new Error(`rank: expected an integer of at least 0, got ${rank}`);
}

/** Throws unless both widths are positive integers. */
export function checkWidths(inputs: number, out: number): void {
  for (const [name, width] of Object.entries({ in: inputs, out })) {
    if (!Number.isInteger(width) || width < 1) throw new Error(`${name}: expected a positive integer, got ${width}`);
  }
}
