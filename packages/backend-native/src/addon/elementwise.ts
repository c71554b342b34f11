/** Numbers of the operations of `arithmetic`. */
export const ARITHMETIC = ['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min', 'SquaredDifference', 'Pow'] as const;

/** Numbers of the operations of `comparison`. */
export const COMPARISONS = ['Equal', 'NotEqual', 'Less', 'LessEqual', 'Greater', 'GreaterEqual'] as const;

/** Numbers of the operations of `logical`. */
export const LOGICAL = ['And', 'Or'] as const;

/** Numbers of the functions of `unary`. */
export const UNARY = [
  'Neg',
  'Abs',
  'Exp',
  'Expm1',
  'Log',
  'Log1p',
  'Sqrt',
  'Rsqrt',
  'Square',
  'Reciprocal',
  'Sigmoid',
  'Tanh',
  'Relu',
  'Relu6',
  'LeakyRelu',
  'Elu',
  'Softplus',
  'Erf',
  'Sin',
  'Cos',
  'Floor',
  'Ceil',
  'Round',
  'Sign',
  'Clip',
  'Step',
  'Silu',
] as const;

/** Elementwise kernels. */
export interface ElementwiseAddon {
  /** The operations of `arithmetic`, `comparison`, `logical`, `unary` or `reduction` in the order of their numbers. */
  operationNames(family: string): string[];
  /**
   * y = op(a, b). `shapes` holds both ranks, then both shapes; the rest of it is ignored. It is empty where the arrays
   * have the same length, or where one has a single element.
   */
  arithmetic(op: number, shapes: Int32Array, a: Float32Array, b: Float32Array, y: Float32Array): void;
  /** As `arithmetic`, for comparisons. */
  comparison(op: number, shapes: Int32Array, a: Float32Array, b: Float32Array, y: Uint8Array): void;
  /** As `arithmetic`, for booleans. */
  logical(op: number, shapes: Int32Array, a: Uint8Array, b: Uint8Array, y: Uint8Array): void;
  /** y = f(x; p, q). */
  unary(op: number, x: Float32Array, y: Float32Array, p: number, q: number): void;
  /** The sum of arrays of one length, in their order. */
  addN(terms: Float32Array[], y: Float32Array): void;
  /**
   * y = t where the condition holds, e elsewhere. One element of the condition may decide about several adjacent
   * elements.
   */
  select(condition: Uint8Array, t: Float32Array, e: Float32Array, y: Float32Array): void;
  /** y = value everywhere. */
  fill(value: number, y: Float32Array): void;
  /** Truncated, modulo 2^32. */
  floatToInt(x: Float32Array, y: Int32Array): void;
  /** 0 for 0, else 1. */
  floatToBool(x: Float32Array, y: Uint8Array): void;
  /** The nearest floats. */
  intToFloat(x: Int32Array, y: Float32Array): void;
  /** 0 and 1 as floats. */
  boolToFloat(x: Uint8Array, y: Float32Array): void;
  /** Logical negation. */
  logicalNot(x: Uint8Array, y: Uint8Array): void;
}
