import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeNpz, type TensorData } from '@learngene/tensor-io';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import { expect, test } from 'vitest';
import { openSamples, readStatistics, referenceContent, writeStatistics } from './node';

const folder = temporaryFolder('hostile-metrics');

const f64 = (shape: number[], values?: number[]): TensorData => {
  const size = shape.reduce((product, side) => product * side, 1);
  return { dtype: 'F64', shape, data: Float64Array.from({ length: size }, (_, i) => values?.[i] ?? 0) };
};
const f32 = (shape: number[], values?: number[]): TensorData => {
  return { dtype: 'F32', shape, data: Float32Array.from(f64(shape, values).data as Float64Array) };
};
const text = (value: string): TensorData => {
  const data = new TextEncoder().encode(value);
  return { dtype: 'U8', shape: [data.length], data };
};
const bytes = (...shape: number[]): TensorData => {
  return { dtype: 'U8', shape, data: new Uint8Array(shape.reduce((product, side) => product * side, 1)) };
};

async function written(name: string, arrays: Record<string, TensorData>): Promise<string> {
  const path = join(folder, `${name.replaceAll(/\W+/g, '-')}.npz`);
  await writeFile(path, encodeNpz(new Map(Object.entries(arrays))));
  return path;
}

const mu = f64([2], [1, 2]);
const sigma = f64([2, 2], [1, 0.5, 0.5, 1]);

test.each<[string, Record<string, TensorData>, string]>([
  ['neither pair', { arr_1: f64([2]) }, 'expected arrays mu and sigma (or mu_s and sigma_s)'],
  ['mu without sigma', { mu }, 'expected both mu and sigma, got only mu'],
  ['sigma without mu', { sigma }, 'expected both mu and sigma, got only sigma'],
  ['mu_s without sigma_s', { mu, sigma, mu_s: mu }, 'expected both mu_s and sigma_s, got only mu_s'],
  ['mu of another length', { mu: f64([3]), sigma }, 'expected mu [d] and sigma [d, d], got [3] and [2, 2]'],
  ['mu of two axes', { mu: f64([1, 2]), sigma }, 'expected mu [d] and sigma [d, d], got [1, 2] and [2, 2]'],
  ['sigma of one axis', { mu, sigma: f64([4]) }, 'expected mu [d] and sigma [d, d], got [2] and [4]'],
  ['nothing in mu', { mu: f64([0]), sigma: f64([0, 0]) }, 'expected mu [d] and sigma [d, d], got [0] and [0, 0]'],
  [
    'integers',
    { mu: { dtype: 'I64', shape: [2], data: BigInt64Array.of(1n, 2n) }, sigma },
    'mu: expected F64 or F32, got I64',
  ],
  ['bytes', { mu, sigma: bytes(2, 2) }, 'sigma: expected F64 or F32, got U8'],
  ['NaN in mu', { mu: f64([2], [1, Number.NaN]), sigma }, 'mu: expected finite values, got NaN in row 0, column 1'],
  [
    'infinity in sigma',
    { mu, sigma: f64([2, 2], [1, 0, 0, 1 / 0]) },
    'expected finite values, got Infinity in row 1, column 1',
  ],
  [
    'sigma not symmetric',
    { mu, sigma: f64([2, 2], [1, 0.5, 0.1, 1]) },
    'sigma: expected a symmetric matrix, got [0, 1] 0.5',
  ],
  ['features of other dims', { mu, sigma, learngene_features: f32([4, 3]) }, 'learngene_features: expected F32 [n, 2]'],
  [
    'features of one image',
    { mu, sigma, learngene_features: f32([1, 2]) },
    'of 2 images and more beside mu [2], got F32 [1, 2]',
  ],
  [
    'features without mu',
    { mu_s: mu, sigma_s: sigma, learngene_features: f32([4, 2]) },
    'learngene_features: expected F32 [n, d]',
  ],
  [
    'NaN in features',
    { mu, sigma, learngene_features: f32([2, 2], [0, 0, Number.NaN, 0]) },
    'got NaN in row 1, column 0',
  ],
  [
    'origin that is no JSON',
    { mu, sigma, learngene_reference: text('{') },
    'expected a JSON object of protocol, weights and count',
  ],
  [
    'origin without a count',
    { mu, sigma, learngene_reference: text('{"protocol":"adm","weights":"00"}') },
    'of protocol, weights and count',
  ],
])('statistics with %s are refused by name', async (name, arrays, message) => {
  const path = await written(name, arrays);
  await expect(readStatistics(path)).rejects.toThrow(path);
  await expect(readStatistics(path)).rejects.toThrow(message);
});

test.each<[string, Record<string, TensorData>, string]>([
  ['no arr_0', { mu, sigma }, 'expected an array arr_0, got mu, sigma'],
  ['floats', { arr_0: f32([2, 2, 2, 3]) }, 'expected images U8 [N, H, W, C], got F32 [2, 2, 2, 3]'],
  ['three axes', { arr_0: bytes(2, 2, 3) }, 'expected images U8 [N, H, W, C], got U8 [2, 2, 3]'],
])('samples with %s are refused by name', async (name, arrays, message) => {
  const path = await written(name, arrays);
  await expect(openSamples(path)).rejects.toThrow(message);
});

test('no image at all is no error of the file; labels and other entries are passed over', async () => {
  const path = await written('empty', { arr_0: bytes(0, 2, 2, 3), mu, sigma, labels: text('x'), mu_clip: f64([0]) });
  expect(await referenceContent(path)).toEqual({ images: true, statistics: true });
  const samples = await openSamples(path);
  expect(samples.count).toBe(0);
  await samples.close();
  expect((await readStatistics(path)).features?.mean).toEqual(mu.data);
});

test('what is written is read back: moments, features of every image and how they were measured', async () => {
  const path = join(folder, 'own.npz');
  const features = { mean: mu.data as Float64Array, covariance: sigma.data as Float64Array };
  const vectors = { data: Float32Array.of(0, 1, 2, 3, 4, 5), count: 3, dims: 2 };
  const origin = { protocol: 'adm', weights: 'ab', count: 3 };
  await writeStatistics(path, { features, spatial: features, vectors, origin });
  const counted = { ...features, count: 3 };
  expect(await readStatistics(path)).toEqual({ features: counted, spatial: counted, vectors, origin });
});
