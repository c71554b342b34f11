import type { NamedTensors, TensorData } from '@learngene/tensor-io';
import type { LayoutEntry } from './layouts';
import { ditPrefixes } from './prefix';

/** Settings of {@link importEntries}. */
export interface ImportOptions {
  /** Shown in messages. */
  readonly layout: string;
  /** Foreign keys that are neither needed nor an error. */
  readonly ignored?: readonly string[];
  /** Whether later copies of a tensor must equal the first. */
  readonly checkCopies?: boolean;
}

/** Our tensors, made of the foreign ones; throws on a missing or unexpected key, a wrong shape or an unequal copy. */
export function importEntries(
  tensors: NamedTensors,
  entries: readonly LayoutEntry[],
  { layout, ignored = [], checkCopies = true }: ImportOptions,
): Map<string, TensorData> {
  const expected = new Set([...entries.map(({ key }) => key), ...ignored]);
  for (const key of tensors.keys()) {
    if (!expected.has(key)) {
      const [prefix = ''] = ditPrefixes(tensors);
      const hint = prefix && `: the keys begin with '${prefix}', see withoutPrefix`;
      throw new Error(`tensors: expected the ${layout} layout of this config, got key '${key}'${hint}`);
    }
  }
  const result = new Map<string, TensorData>();
  const origin = new Map<string, string>();
  for (const { key, shape, names } of entries) {
    const tensor = tensorAt(tensors, key, shape, layout);
    splitRows(tensor, names.length).forEach((part, index) => {
      const name = names[index];
      const first = result.get(name);
      if (!first) {
        result.set(name, part);
        origin.set(name, key);
      } else if (checkCopies && !sameNumbers(first, part)) {
        throw new Error(`${key}: expected the same numbers as ${origin.get(name)}, got others`);
      }
    });
  }
  return result;
}

/** The foreign tensors made of ours; throws on a missing or unexpected name, a wrong shape or dtypes that cannot join. */
export function exportEntries(
  tensors: NamedTensors,
  entries: readonly LayoutEntry[],
  own: ReadonlyMap<string, readonly number[]>,
): Map<string, TensorData> {
  for (const name of tensors.keys()) {
    if (!own.has(name)) throw new Error(`tensors: expected the parameters of this config, got name '${name}'`);
  }
  return new Map(
    entries.map(({ key, shape, names }) => {
      const parts = names.map((name) => tensorAt(tensors, name, own.get(name)!, 'learngene'));
      return [key, { ...joinRows(parts, names), shape }];
    }),
  );
}

/** The tensor at a key, its shape checked. */
export function tensorAt(tensors: NamedTensors, key: string, shape: readonly number[], layout: string): TensorData {
  const tensor = tensors.get(key);
  if (!tensor) throw new Error(`${key}: expected [${shape.join(', ')}] (${layout} layout), got no such key`);
  if (tensor.shape.join() !== shape.join()) {
    throw new Error(`${key}: expected [${shape.join(', ')}], got [${tensor.shape.join(', ')}]`);
  }
  return tensor;
}

/** Equal parts along the first axis, views of the data; flattened to rows x columns, vectors stay vectors. */
export function splitRows({ dtype, shape, data }: TensorData, parts: number): TensorData[] {
  const rows = shape[0] / parts;
  const columns = shape.slice(1).reduce((product, size) => product * size, 1);
  const ownShape = shape.length === 1 ? [rows] : [rows, columns];
  return Array.from(
    { length: parts },
    (_, part) =>
      ({
        dtype,
        shape: ownShape,
        data: data.subarray(part * rows * columns, (part + 1) * rows * columns),
      }) as TensorData,
  );
}

function joinRows(parts: readonly TensorData[], names: readonly string[]): TensorData {
  const [first] = parts;
  if (parts.length === 1) return first;
  const odd = parts.findIndex(({ dtype }) => dtype !== first.dtype);
  if (odd > 0) throw new Error(`${names[odd]}: expected dtype ${first.dtype} as ${names[0]}, got ${parts[odd].dtype}`);
  const { length, byteLength } = first.data;
  const data = new (first.data.constructor as new (length: number) => TensorData['data'])(length * parts.length);
  const bytes = new Uint8Array(data.buffer);
  parts.forEach((part, index) => {
    bytes.set(new Uint8Array(part.data.buffer, part.data.byteOffset, byteLength), index * byteLength);
  });
  return { ...first, data } as TensorData;
}

/** Whether two tensors hold the same numbers in the same dtype. */
export function sameNumbers(a: TensorData, b: TensorData): boolean {
  if (a.dtype !== b.dtype) return false;
  for (let i = 0; i < a.data.length; i++) if (a.data[i] !== b.data[i]) return false;
  return true;
}
