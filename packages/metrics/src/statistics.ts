import type { NamedTensors, TensorData } from '@learngene/tensor-io';
import { checkFinite } from './check';
import { checkSymmetric } from './covariance-factor';
import type { FeatureSet, ImageBatch, MomentStatistics } from './types';

/** Precomputed statistics of real images. */
export interface ReferenceStatistics {
  /** Of the features (`mu`, `sigma`), for FID. */
  readonly features?: MomentStatistics;
  /** Of the spatial features (`mu_s`, `sigma_s`), for sFID. */
  readonly spatial?: MomentStatistics;
  /** The features of every image (`learngene_features`), for KID, precision and recall. */
  readonly vectors?: FeatureSet;
  /** How they were measured (`learngene_reference`), where the file says it. */
  readonly origin?: ReferenceOrigin;
}

/** How statistics were measured. */
export interface ReferenceOrigin {
  /** The protocol by its name. */
  readonly protocol: string;
  /** SHA-256 of the network's file, hexadecimal. */
  readonly weights: string;
  /** Images. */
  readonly count: number;
}

/** The array of a statistics npz that holds the features of every image. */
const FEATURES = 'learngene_features';
/** The array of a statistics npz that says how it was measured, as UTF-8 bytes of a JSON object. */
const ORIGIN = 'learngene_reference';
/** Every array that {@link statisticsFromArrays} reads. */
export const STATISTICS_ARRAYS: readonly string[] = ['mu', 'sigma', 'mu_s', 'sigma_s', FEATURES, ORIGIN];

/**
 * The array of a samples npz that holds the class names. The prefix keeps it from clashing with other programs' arrays.
 */
export const CLASSES = 'learngene_classes';

/** Sample images of an npz. */
export interface SampleArrays {
  /** `arr_0`. */
  readonly images: ImageBatch;
  /** `arr_1`, where the file has it: the class of each image. */
  readonly labels?: Int32Array;
  /** `learngene_classes`, where the file has it: the name of each class, as UTF-8 bytes of a JSON array. */
  readonly classes?: readonly string[];
}

/**
 * Statistics from the arrays of an npz as ADM and pytorch-fid write them: `mu` [d], `sigma` [d, d], `mu_s`, `sigma_s`,
 * float32 or float64; and what {@link statisticsToArrays} adds. Other arrays are ignored. `name` is the file's name in errors.
 *
 * @throws RangeError where neither pair is there, one array of a pair is missing, a sigma is not symmetric, or sizes or values
 *   are wrong.
 */
export function statisticsFromArrays(name: string, arrays: NamedTensors): ReferenceStatistics {
  const origin = originFromArray(name, arrays.get(ORIGIN));
  const features = pair(name, arrays, ['mu', 'sigma'], origin?.count);
  const spatial = pair(name, arrays, ['mu_s', 'sigma_s'], origin?.count);
  if (!features && !spatial) {
    throw new RangeError(
      `${name}: expected arrays mu and sigma (or mu_s and sigma_s), got ${[...arrays.keys()].join(', ') || 'none'}`,
    );
  }
  const vectors = vectorsFromArray(name, arrays.get(FEATURES), features?.mean.length);
  return {
    ...(features && { features }),
    ...(spatial && { spatial }),
    ...(vectors && { vectors }),
    ...(origin && { origin }),
  };
}

function pair(
  name: string,
  arrays: NamedTensors,
  [mu, sigma]: readonly [string, string],
  count: number | undefined,
): MomentStatistics | undefined {
  const [mean, covariance] = [arrays.get(mu), arrays.get(sigma)];
  if (!mean && !covariance) return undefined;
  if (!mean || !covariance)
    throw new RangeError(`${name}: expected both ${mu} and ${sigma}, got only ${mean ? mu : sigma}`);
  const dims = mean.shape[0];
  if (mean.shape.length !== 1 || dims === 0 || covariance.shape.join() !== `${dims},${dims}`) {
    throw new RangeError(
      `${name}: expected ${mu} [d] and ${sigma} [d, d], got [${mean.shape.join(', ')}] and [${covariance.shape.join(', ')}]`,
    );
  }
  const statistics = {
    mean: toFloat64(`${name}: ${mu}`, mean),
    covariance: toFloat64(`${name}: ${sigma}`, covariance),
  };
  checkSymmetric(`${name}: ${sigma}`, statistics.covariance, dims);
  return { ...statistics, ...(count !== undefined && { count }) };
}

function toFloat64(name: string, { dtype, data, shape }: TensorData): Float64Array {
  if (dtype !== 'F64' && dtype !== 'F32') throw new RangeError(`${name}: expected F64 or F32, got ${dtype}`);
  checkFinite(name, data, shape[shape.length - 1]);
  return Float64Array.from(data);
}

function vectorsFromArray(
  name: string,
  array: TensorData | undefined,
  dims: number | undefined,
): FeatureSet | undefined {
  if (array === undefined) return undefined;
  const { dtype, shape, data } = array;
  if (dtype !== 'F32' || shape.length !== 2 || shape[0] < 2 || shape[1] !== dims) {
    const expected = `F32 [n, ${dims ?? 'd'}] of 2 images and more beside mu [${dims ?? 'd'}]`;
    throw new RangeError(`${name}: ${FEATURES}: expected ${expected}, got ${dtype} [${shape.join(', ')}]`);
  }
  checkFinite(`${name}: ${FEATURES}`, data, dims);
  return { data: data as Float32Array, count: shape[0], dims };
}

function originFromArray(name: string, array: TensorData | undefined): ReferenceOrigin | undefined {
  if (array === undefined) return undefined;
  const text = array.dtype === 'U8' ? new TextDecoder().decode(array.data as Uint8Array) : '';
  try {
    const { protocol, weights, count } = JSON.parse(text) as ReferenceOrigin;
    if (typeof protocol === 'string' && typeof weights === 'string' && Number.isInteger(count) && count >= 2) {
      return { protocol, weights, count };
    }
  } catch {
    // Reported below.
  }
  throw new RangeError(`${name}: expected a JSON object of protocol, weights and count in ${ORIGIN}`);
}

/** The arrays of a statistics npz, the inverse of {@link statisticsFromArrays}. */
export function statisticsToArrays({
  features,
  spatial,
  vectors,
  origin,
}: ReferenceStatistics): Map<string, TensorData> {
  const arrays = new Map<string, TensorData>();
  for (const [suffix, statistics] of [['', features] as const, ['_s', spatial] as const]) {
    if (!statistics) continue;
    const dims = statistics.mean.length;
    arrays.set(`mu${suffix}`, { dtype: 'F64', shape: [dims], data: statistics.mean });
    arrays.set(`sigma${suffix}`, { dtype: 'F64', shape: [dims, dims], data: statistics.covariance });
  }
  if (arrays.size === 0) throw new RangeError('statistics: expected features or spatial, got neither');
  if (vectors) {
    const data = vectors.data instanceof Float32Array ? vectors.data : Float32Array.from(vectors.data);
    arrays.set(FEATURES, { dtype: 'F32', shape: [vectors.count, vectors.dims], data });
  }
  if (origin) {
    const data = new TextEncoder().encode(JSON.stringify(origin));
    arrays.set(ORIGIN, { dtype: 'U8', shape: [data.length], data });
  }
  return arrays;
}

/**
 * Samples from the arrays of an npz: `arr_0` uint8 [N, H, W, C] and, where there is one, `arr_1` integer [N].
 *
 * @throws RangeError for another dtype or shape.
 */
export function samplesFromArrays(name: string, arrays: NamedTensors): SampleArrays {
  const pixels = arrays.get('arr_0');
  if (!pixels) throw new RangeError(`${name}: expected an array arr_0, got ${[...arrays.keys()].join(', ')}`);
  if (pixels.dtype !== 'U8' || pixels.shape.length !== 4) {
    throw new RangeError(`${name}: expected arr_0 U8 [N, H, W, C], got ${pixels.dtype} [${pixels.shape.join(', ')}]`);
  }
  const [count, height, width, channels] = pixels.shape;
  const images = { data: pixels.data, count, height, width, channels };
  return { images, ...classesFromArrays(name, arrays.get('arr_1'), arrays.get(CLASSES), count) };
}

/**
 * Returns labels and class names, as far as the file `name` has them.
 *
 * @throws RangeError where they do not fit
 */
export function classesFromArrays(
  name: string,
  numbers: TensorData | undefined,
  names: TensorData | undefined,
  count: number,
): Pick<SampleArrays, 'labels' | 'classes'> {
  const labels = numbers && labelsFromArray(name, numbers, count);
  const classes = names && namesFromArray(name, names);
  if (labels && classes) checkLabels(`${name}: arr_1`, labels, classes);
  return { ...(labels && { labels }), ...(classes && { classes }) };
}

function namesFromArray(name: string, { dtype, shape, data }: TensorData): string[] {
  const fail = (got: string) => new RangeError(`${name}: expected a JSON array of names in ${CLASSES}, got ${got}`);
  if (dtype !== 'U8' || shape.length !== 1) throw fail(`${dtype} [${shape.join(', ')}]`);
  const text = new TextDecoder().decode(data as Uint8Array);
  try {
    const names: unknown = JSON.parse(text);
    if (Array.isArray(names) && names.every((value) => typeof value === 'string')) return names;
  } catch {
    // Reported below.
  }
  throw fail(text.slice(0, 80));
}

function checkLabels(name: string, labels: Int32Array, classes: readonly string[]): void {
  const outside = labels.find((label) => label < 0 || label >= classes.length);
  if (outside === undefined) return;
  throw new RangeError(`${name}: expected class numbers from 0 to ${classes.length - 1}, got ${outside}`);
}

/**
 * Reads the class of each of `count` images from `arr_1` of the file `name`.
 *
 * @throws RangeError unless it holds that many integers
 */
function labelsFromArray(name: string, { dtype, shape, data }: TensorData, count: number): Int32Array {
  if (!/^[IU]\d+$/.test(dtype) || shape.length !== 1 || shape[0] !== count) {
    throw new RangeError(`${name}: expected arr_1 integer [${count}], got ${dtype} [${shape.join(', ')}]`);
  }
  return Int32Array.from(Array.from<number | bigint>(data), (value) => {
    const label = Number(value);
    if (label === (label | 0)) return label;
    throw new RangeError(`${name}: expected class numbers below 2^31 in arr_1, got ${value}`);
  });
}

/** The arrays of a samples npz, the inverse of {@link samplesFromArrays}; labels become int64, as numpy's are. */
export function samplesToArrays({ images, labels, classes }: SampleArrays): Map<string, TensorData> {
  const { data, count, height, width, channels } = images;
  const arrays = new Map<string, TensorData>([
    ['arr_0', { dtype: 'U8', shape: [count, height, width, channels], data }],
  ]);
  if (labels) {
    if (labels.length !== count) throw new RangeError(`labels: expected ${count}, one an image, got ${labels.length}`);
    arrays.set('arr_1', { dtype: 'I64', shape: [count], data: BigInt64Array.from(Array.from(labels, BigInt)) });
  }
  if (classes) {
    if (labels) checkLabels('labels', labels, classes);
    const data = new TextEncoder().encode(JSON.stringify(classes));
    arrays.set(CLASSES, { dtype: 'U8', shape: [data.length], data });
  }
  return arrays;
}
