import { PickleRefusal } from '../pickle/cursor';
import { describeValue, type PickleGlobal, PickleTuple } from '../pickle/values';
import { DTypeGlobal, type ElementType, type Storage, StorageView } from './storage';

/** The most axes that torch gives a tensor. */
const MAX_AXES = 64;

/** A tensor as a pickle describes it. */
export class StoredTensor {
  /** Offset in bytes from the storage's start, strides in elements. */
  constructor(
    readonly storage: Storage,
    readonly elements: ElementType,
    readonly byteOffset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

function naturals(what: string, value: unknown): number[] {
  const items = value instanceof PickleTuple ? value.items : Array.isArray(value) ? value : undefined;
  if (items === undefined) throw new PickleRefusal(`${what}: expected a tuple, got ${describeValue(value)}`);
  if (items.length > MAX_AXES) throw new PickleRefusal(`${what}: expected at most ${MAX_AXES}, got ${items.length}`);
  for (const item of items) {
    if (typeof item !== 'number' || !Number.isSafeInteger(item) || item < 0) {
      throw new PickleRefusal(`${what}: expected natural numbers below 2^53, got ${describeValue(item)}`);
    }
  }
  return items as number[];
}

/** The elements from the first to the last that a tensor has, those between its own included; 0 for an empty one. */
export function spanOf(shape: readonly number[], strides: readonly number[]): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((last, size, axis) => last + (size - 1) * strides[axis], 1);
}

/** What every function that rebuilds a tensor is given first. */
interface Layout {
  readonly view: unknown;
  readonly offset: unknown;
  readonly size: unknown;
  readonly stride: unknown;
}

function rebuilt({ view, offset, size, stride }: Layout, told?: ElementType): StoredTensor {
  if (!(view instanceof StorageView)) throw new PickleRefusal(`expected a storage, got ${describeValue(view)}`);
  const { storage } = view;
  const elements = told ?? storage.elements;
  if (elements === undefined) throw new PickleRefusal('expected the dtype of a tensor in an untyped storage, got none');
  if (told !== undefined && storage.elements !== undefined) {
    throw new PickleRefusal(
      `expected an untyped storage for a tensor that says its dtype, got ${storage.elements.dtype}`,
    );
  }
  const shape = naturals('size', size);
  const strides = naturals('stride', stride);
  const [start] = naturals('storage offset', [offset]);
  if (strides.length !== shape.length) {
    throw new PickleRefusal(`expected as many strides as sizes (${shape.length}), got ${strides.length}`);
  }
  const { width } = elements;
  const end = (start + spanOf(shape, strides)) * width;
  // In floating point a sum beyond 2^53 is rounded, but it stays far above the length of any file.
  if (!(end <= view.byteLength)) {
    const room = view.byteLength / width;
    throw new PickleRefusal(
      `a tensor of size [${shape.join(', ')}] and stride [${strides.join(', ')}] from element ${start} lies beyond its storage of ${room} elements`,
    );
  }
  return new StoredTensor(storage, elements, view.byteOffset + start * width, shape, strides);
}

/** Throws unless hooks and notes of a tensor are empty: they would change what the tensor is. */
function checkPlain(hooks: unknown, metadata: unknown): void {
  if (!(hooks instanceof Map && hooks.size === 0) && hooks !== null && hooks !== undefined) {
    throw new PickleRefusal(`backward hooks: expected none, got ${describeValue(hooks)}`);
  }
  if (metadata !== null && metadata !== undefined && !(metadata instanceof Map && metadata.size === 0)) {
    throw new PickleRefusal(`notes on a tensor (conjugated, negated): expected none, got ${describeValue(metadata)}`);
  }
}

function checkCount(args: readonly unknown[], least: number, most: number): void {
  if (args.length >= least && args.length <= most) return;
  throw new PickleRefusal(`expected ${least} to ${most} arguments, got ${args.length}`);
}

/** Puts the function's name before the message. */
function named(name: string, call: (args: readonly unknown[]) => unknown): PickleGlobal {
  return {
    name,
    call(args) {
      try {
        return call(args);
      } catch (error) {
        if (!(error instanceof PickleRefusal)) throw error;
        throw new PickleRefusal(`${name}: ${error.message}`, { cause: error });
      }
    },
  };
}

/** torch's functions that make a tensor of a storage. */
export const REBUILD_GLOBALS: readonly PickleGlobal[] = /* @__PURE__ */ (() => [
  named('torch._utils._rebuild_tensor', (args) => {
    checkCount(args, 4, 4);
    const [view, offset, size, stride] = args;
    return rebuilt({ view, offset, size, stride });
  }),
  named('torch._utils._rebuild_tensor_v2', (args) => {
    checkCount(args, 6, 7);
    const [view, offset, size, stride, , hooks, metadata] = args;
    checkPlain(hooks, metadata);
    return rebuilt({ view, offset, size, stride });
  }),
  named('torch._utils._rebuild_tensor_v3', (args) => {
    checkCount(args, 7, 8);
    const [view, offset, size, stride, , hooks, dtype, metadata] = args;
    checkPlain(hooks, metadata);
    if (!(dtype instanceof DTypeGlobal)) throw new PickleRefusal(`expected a dtype, got ${describeValue(dtype)}`);
    return rebuilt({ view, offset, size, stride }, dtype.elements);
  }),
  named('torch._utils._rebuild_parameter', (args) => {
    checkCount(args, 3, 3);
    const [tensor, , hooks] = args;
    checkPlain(hooks, null);
    if (tensor instanceof StoredTensor) return tensor;
    throw new PickleRefusal(`expected a tensor, got ${describeValue(tensor)}`);
  }),
])();
