import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readFixture } from '@learngene/testing';
import type { DType } from '../src/dtype';
import { type TensorData, tensorFromBytes } from '../src/tensor-data';

/** A tensor as the fixture script describes it: its little-endian bytes in hexadecimal. */
interface Described {
  dtype: DType;
  shape: number[];
  hex: string;
}

interface Expected {
  tensors: [string, Described][];
  sharded: [string, Described][];
  arrays: [string, Described][];
  npy: Record<string, string>;
  npyVersions: string[];
  npyObject: string;
  npyStructured: string;
  roundings: { f32: string; f16: string; bf16: string };
}

export const fixtureFolder = fileURLToPath(new URL('../fixtures', import.meta.url));
export const expected = readFixture<Expected>(import.meta.url, '../fixtures/expected.json');

export function fixtureBytes(path: string): Uint8Array {
  return new Uint8Array(readFileSync(`${fixtureFolder}/${path}`));
}

/** Bytes in an array of their own, so that they are aligned. */
export function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

function tensorOf({ dtype, shape, hex }: Described): TensorData {
  return tensorFromBytes(dtype, shape, fromHex(hex));
}

export function namedTensors(list: [string, Described][]): Map<string, TensorData> {
  return new Map(list.map(([name, described]) => [name, tensorOf(described)]));
}

/** Bits, so that NaN equals itself and -0 is not 0. */
export function bitsOf(tensor: TensorData): { dtype: DType; shape: readonly number[]; hex: string } {
  const { buffer, byteOffset, byteLength } = tensor.data;
  const hex = Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString('hex');
  return { dtype: tensor.dtype, shape: tensor.shape, hex };
}

/** Names with bits, sorted by name: for comparing two sets of tensors. */
export function allBits(tensors: ReadonlyMap<string, TensorData>) {
  return [...tensors].map(([name, tensor]) => [name, bitsOf(tensor)] as const).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** A safetensors file around any header text. */
export function fileWithHeader(header: string | Uint8Array, dataBytes = 0, declared?: bigint): Uint8Array {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const file = new Uint8Array(8 + json.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, declared ?? BigInt(json.length), true);
  file.set(json, 8);
  return file;
}
