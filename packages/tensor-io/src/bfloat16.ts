/** The bits of a bfloat16 as a 32-bit float. This is exact: a bfloat16 is the upper half of a float. */
export function bfloat16ToFloat32Bits(value: number): number {
  return value << 16;
}

/** The bfloat16 nearest to the float with this 32-bit pattern, ties to even; overflow gives infinity, NaN stays NaN (made quiet). */
export function float32BitsToBfloat16(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return ((bits >>> 16) & 0xffff) | 0x40;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}
