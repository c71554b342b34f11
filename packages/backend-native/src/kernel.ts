import type { NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core';
import type { NativeBackend } from './backend';

/** What a kernel is called with. */
export interface KernelCall {
  /** The tensors by name, or by index where a kernel takes a list. */
  readonly inputs: Readonly<Record<string, TensorInfo>>;
  /** The attributes by name. */
  readonly attrs: NamedAttrMap;
  /** The backend that the tensors are on. */
  readonly backend: NativeBackend;
}

/** A kernel: makes its outputs and fills them. */
export type Kernel = (call: KernelCall) => TensorInfo | TensorInfo[];

/** Kernels by the name that tfjs or the packages of this project give them. */
export type KernelTable = Readonly<Record<string, Kernel>>;
