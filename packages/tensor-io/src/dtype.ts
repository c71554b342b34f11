/** Element types, by their safetensors names. */
export type DType =
  | 'F64'
  | 'F32'
  | 'F16'
  | 'BF16'
  | 'I64'
  | 'I32'
  | 'I16'
  | 'I8'
  | 'U64'
  | 'U32'
  | 'U16'
  | 'U8'
  | 'BOOL';

/** Which typed array holds the elements of which dtype. */
export interface TensorArrays {
  /** 64-bit floats. */
  F64: Float64Array;
  /** 32-bit floats. */
  F32: Float32Array;
  /** IEEE half floats, as raw bits. */
  F16: Uint16Array;
  /** The upper halves of 32-bit floats, as raw bits. */
  BF16: Uint16Array;
  /** Signed 64-bit integers. */
  I64: BigInt64Array;
  /** Signed 32-bit integers. */
  I32: Int32Array;
  /** Signed 16-bit integers. */
  I16: Int16Array;
  /** Signed bytes. */
  I8: Int8Array;
  /** Unsigned 64-bit integers. */
  U64: BigUint64Array;
  /** Unsigned 32-bit integers. */
  U32: Uint32Array;
  /** Unsigned 16-bit integers. */
  U16: Uint16Array;
  /** Unsigned bytes. */
  U8: Uint8Array;
  /** One byte an element, 0 or 1. */
  BOOL: Uint8Array;
}

interface ArrayConstructor<A> {
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): A;
  readonly BYTES_PER_ELEMENT: number;
}

/** The typed array constructor of every dtype. */
export const arrayOf: { readonly [D in DType]: ArrayConstructor<TensorArrays[D]> } = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U64: BigUint64Array,
  U32: Uint32Array,
  U16: Uint16Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
};

/** Whether a string from a file names a {@link DType}. Only own keys count, so `__proto__` is none. */
export function isDType(text: unknown): text is DType {
  return typeof text === 'string' && Object.hasOwn(arrayOf, text);
}

/** Bytes of one element. */
export function bytesPerElement(dtype: DType): number {
  return arrayOf[dtype].BYTES_PER_ELEMENT;
}

/** Bits of an element, for the dtypes of the safetensors format (0.8) that have no typed array here. */
const OTHER_BITS: ReadonlyMap<string, number> = new Map([
  ['F4', 4],
  ['F6_E2M3', 6],
  ['F6_E3M2', 6],
  ['F8_E5M2', 8],
  ['F8_E4M3', 8],
  ['F8_E8M0', 8],
  ['F8_E4M3FNUZ', 8],
  ['F8_E5M2FNUZ', 8],
  ['C64', 64],
]);

/** Bits of one element of any dtype of the safetensors format; undefined for a word that it does not have. */
export function bitsPerElement(dtype: string): number | undefined {
  return isDType(dtype) ? 8 * bytesPerElement(dtype) : OTHER_BITS.get(dtype);
}
