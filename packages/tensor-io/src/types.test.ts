// The types of what is read and written. The type checker compares them (`npm run check`); nothing of it is run.
import { expectTypeOf, test } from 'vitest';
import {
  type DType,
  decodeNpy,
  decodeSafetensors,
  encodeSafetensors,
  fromFloat32,
  type NamedTensors,
  type openSafetensors,
  type TensorArrays,
  type TensorData,
  type TensorOf,
  toFloat32,
} from './index';
import { readNpz, readSafetensors } from './node';

declare const tensor: TensorData;

/** Compiles what is given and does not run it. */
const typed = (name: string, _: () => void) => test(name, () => {});

typed('the dtype of a tensor tells the type of its array', () => {
  if (tensor.dtype === 'I64') expectTypeOf(tensor.data).toEqualTypeOf<TensorArrays['I64']>();
  if (tensor.dtype === 'F32') expectTypeOf(tensor.data).toEqualTypeOf<TensorArrays['F32']>();
  expectTypeOf<TensorArrays['I64'][number]>().toEqualTypeOf<bigint>();
  expectTypeOf<TensorArrays['F16'][number]>().toEqualTypeOf<number>();
  expectTypeOf<TensorOf<'U8'>>().toExtend<TensorData>();
  expectTypeOf<{ dtype: 'U8'; shape: number[]; data: Float32Array }>().not.toExtend<TensorData>();
  expectTypeOf<TensorData['dtype']>().toEqualTypeOf<DType>();
});

typed('what readers give, writers take', () => {
  expectTypeOf(decodeSafetensors(new Uint8Array()).tensors).toExtend<NamedTensors>();
  expectTypeOf(decodeSafetensors(new Uint8Array()).tensors).toExtend<Parameters<typeof encodeSafetensors>[0]>();
  expectTypeOf(decodeNpy(new Uint8Array())).toEqualTypeOf<TensorData>();
  expectTypeOf(readSafetensors('file')).resolves.toHaveProperty('metadata');
  expectTypeOf(readNpz('file')).resolves.toExtend<NamedTensors>();
  expectTypeOf<Awaited<ReturnType<typeof readNpz>>>().not.toBeAny();
  expectTypeOf<Awaited<ReturnType<typeof openSafetensors>>>().not.toBeAny();
});

typed('conversion names a dtype that there is', () => {
  expectTypeOf(toFloat32(tensor)).toExtend<Float32Array>();
  expectTypeOf(fromFloat32(new Float32Array(1), [1], 'BF16').dtype).toExtend<DType>();
  // @ts-expect-error no such dtype
  fromFloat32(new Float32Array(1), [1], 'F8');
  // @ts-expect-error dtype and array do not go together
  encodeSafetensors(new Map([['x', { dtype: 'F32', shape: [1], data: new Uint8Array(4) }]]));
});
