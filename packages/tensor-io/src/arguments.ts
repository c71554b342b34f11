import { shown, TensorFileError } from './tensor-file-error';

/** Describes an argument in one word: the name of its class where it has one. */
function kindOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return shown(value);
  return value.constructor?.name ?? 'an object';
}

/**
 * Throws unless `options` is an object whose fields are all in `known`. Without types a misspelt option would be
 * ignored.
 */
export function checkOptions(file: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new TensorFileError(file, `options: expected an object, got ${shown(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    throw new TensorFileError(file, `options: expected only ${known.join(', ')}, got ${shown(name)}`);
  }
}

/**
 * Throws unless `value` is a limit: a number of at least 0, or Infinity for no limit. NaN is refused, since no
 * comparison with it is true.
 */
export function checkLimit(file: string, name: string, value: number): void {
  if (typeof value === 'number' && value >= 0) return;
  throw new TensorFileError(file, `${name}: expected a number of at least 0, got ${shown(value)}`);
}

/** Throws unless `value` is undefined or a list of names. */
export function checkNames(file: string, name: string, value: readonly string[] | undefined): void {
  if (value === undefined || (Array.isArray(value) && value.every((item) => typeof item === 'string'))) return;
  throw new TensorFileError(file, `${name}: expected a list of names, got ${shown(value)}`);
}

/** Throws unless `bytes` is a Uint8Array (of any realm; a Buffer is one). */
export function checkBytes(file: string, bytes: Uint8Array): void {
  if (Object.prototype.toString.call(bytes) === '[object Uint8Array]') return;
  const hint = Object.prototype.toString.call(bytes) === '[object ArrayBuffer]' ? ': pass new Uint8Array(buffer)' : '';
  throw new TensorFileError(file, `bytes: expected a Uint8Array, got ${kindOf(bytes)}${hint}`);
}

/** Throws unless `source` has what a ByteSource needs to be read. */
export function checkSource(
  file: string,
  source: { readonly read: unknown; readonly close: unknown; readonly size: unknown },
): void {
  if (typeof source?.read === 'function' && typeof source.close === 'function' && typeof source.size === 'number') {
    return;
  }
  const expected = 'expected a ByteSource, as bytesSource, httpSource or fileSource make it';
  throw new TensorFileError(file, `source: ${expected}, got ${kindOf(source)}`);
}

/** Throws unless `tensors` is a Map, or what can be read like one. */
export function checkTensors(file: string, tensors: object): void {
  if (typeof (tensors as Map<string, unknown>)?.entries === 'function' && !Array.isArray(tensors)) return;
  throw new TensorFileError(file, `tensors: expected a Map of tensors by name, got ${kindOf(tensors)}`);
}
