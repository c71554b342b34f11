import type { Convention, FeatureSet, ImageBatch, ScoreSpread } from './types';

/** Throws unless `value` is an integer of at least `least`. */
export function checkInteger(name: string, value: number, least: number): void {
  if (!Number.isInteger(value) || value < least) {
    throw new RangeError(`${name}: expected an integer of at least ${least}, got ${value}`);
  }
}

/** Throws unless `value` is a finite number that is above `least`, or equal to it where `inclusive`. */
export function checkNumber(name: string, value: number, least: number, inclusive = true): void {
  if (!(Number.isFinite(value) && (inclusive ? value >= least : value > least))) {
    throw new RangeError(`${name}: expected a number ${inclusive ? 'of at least' : 'above'} ${least}, got ${value}`);
  }
}

/** Throws unless `value` is one of the programs whose conventions are known. */
export function checkConvention(value: Convention): void {
  if (value !== 'adm' && value !== 'torch-fidelity') {
    throw new RangeError(`convention: expected 'adm' or 'torch-fidelity', got ${JSON.stringify(value)}`);
  }
}

/** Throws at the first NaN or infinity and says which row of `dims` values holds it. */
export function checkFinite(name: string, data: ArrayLike<number>, dims: number): void {
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(data[i])) {
      throw new RangeError(
        `${name}: expected finite values, got ${data[i]} in row ${Math.floor(i / dims)}, column ${i % dims}`,
      );
    }
  }
}

/** Checks sizes and finiteness of a feature set. */
export function checkFeatureSet(name: string, { data, count, dims }: FeatureSet): void {
  checkInteger(`${name}.dims`, dims, 1);
  checkInteger(`${name}.count`, count, 0);
  if (data.length !== count * dims) {
    throw new RangeError(`${name}: expected [${count}, ${dims}] = ${count * dims} values, got ${data.length}`);
  }
  checkFinite(name, data, dims);
}

/** Checks that two feature sets have vectors of one length. */
export function checkSameDims(
  nameA: string,
  a: { readonly dims: number },
  nameB: string,
  b: { readonly dims: number },
): void {
  if (a.dims !== b.dims) throw new RangeError(`${nameB}: expected ${a.dims} dims as ${nameA}, got ${b.dims}`);
}

/** Checks the sizes of an image batch. */
export function checkImages(name: string, { data, count, height, width, channels }: ImageBatch): void {
  checkInteger(`${name}.count`, count, 0);
  checkInteger(`${name}.height`, height, 1);
  checkInteger(`${name}.width`, width, 1);
  checkInteger(`${name}.channels`, channels, 1);
  const size = count * height * width * channels;
  if (data.length !== size) {
    throw new RangeError(
      `${name}: expected [${count}, ${height}, ${width}, ${channels}] = ${size} bytes, got ${data.length}`,
    );
  }
}

/** Mean and population standard deviation. */
export function spread(values: ArrayLike<number>): ScoreSpread {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  const mean = sum / values.length;
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i] - mean) ** 2;
  return { mean, std: Math.sqrt(squares / values.length) };
}

/**
 * Throws unless `options` is an object whose fields are all in `known`: without types a misspelt option would be
 * ignored. `of` is the function's name, or the option that holds the fields.
 */
export function checkNames(of: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new RangeError(`${of}: expected an object of ${known.join(', ')}, got ${JSON.stringify(options)}`);
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new RangeError(`${of}: expected only ${known.join(', ')}, got '${unknown}'`);
}
