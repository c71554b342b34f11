import type { NamedTensors, TensorData } from '@learngene/tensor-io';
import { checkFinite } from './check';
import type { ImageBatch, MomentStatistics } from './types';

/** Precomputed statistics of real images. */
export interface ReferenceStatistics {
  /** Of the features (`mu`, `sigma`), for FID. */
  readonly features?: MomentStatistics;
  /** Of the spatial features (`mu_s`, `sigma_s`), for sFID. */
  readonly spatial?: MomentStatistics;
}

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
 * float32 or float64; other arrays are ignored. `name` is the file's name in errors.
 *
 * @throws RangeError where neither pair is there, one array of a pair is missing, or sizes or values are wrong.
 */
export function statisticsFromArrays(name: string, arrays: NamedTensors): ReferenceStatistics {
  const features = pair(name, arrays, ['mu', 'sigma']);
  const spatial = pair(name, arrays, ['mu_s', 'sigma_s']);
  if (!features && !spatial) {
    throw new RangeError(
      `${name}: expected arrays mu and sigma (or mu_s and sigma_s), got ${[...arrays.keys()].join(', ')}`,
    );
  }
  return { ...(features && { features }), ...(spatial && { spatial }) };
}

function pair(
  name: string,
  arrays: NamedTensors,
  [mu, sigma]: readonly [string, string],
): MomentStatistics | undefined {
  const [mean, covariance] = [arrays.get(mu), arrays.get(sigma)];
  if (!mean && !covariance) return undefined;
  if (!mean || !covariance)
    throw new RangeError(`${name}: expected both ${mu} and ${sigma}, got only ${mean ? mu : sigma}`);
  const dims = mean.shape[0];
  if (mean.shape.length !== 1 || covariance.shape.join() !== `${dims},${dims}`) {
    throw new RangeError(
      `${name}: expected ${mu} [d] and ${sigma} [d, d], got [${mean.shape.join(', ')}] and [${covariance.shape.join(', ')}]`,
    );
  }
  return { mean: toFloat64(`${name}: ${mu}`, mean), covariance: toFloat64(`${name}: ${sigma}`, covariance) };
}

function toFloat64(name: string, { dtype, data, shape }: TensorData): Float64Array {
  if (dtype !== 'F64' && dtype !== 'F32') throw new RangeError(`${name}: expected F64 or F32, got ${dtype}`);
  checkFinite(name, data, shape[shape.length - 1]);
  return Float64Array.from(data);
}

/** The arrays of a statistics npz, the inverse of {@link statisticsFromArrays}. */
export function statisticsToArrays({ features, spatial }: ReferenceStatistics): Map<string, TensorData> {
  const arrays = new Map<string, TensorData>();
  for (const [suffix, statistics] of [['', features] as const, ['_s', spatial] as const]) {
    if (!statistics) continue;
    const dims = statistics.mean.length;
    arrays.set(`mu${suffix}`, { dtype: 'F64', shape: [dims], data: statistics.mean });
    arrays.set(`sigma${suffix}`, { dtype: 'F64', shape: [dims, dims], data: statistics.covariance });
  }
  if (arrays.size === 0) throw new RangeError('statistics: expected features or spatial, got neither');
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
