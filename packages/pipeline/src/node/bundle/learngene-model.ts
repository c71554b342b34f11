import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DitConfig, ditConfigFromDiffusers, ditFromDiffusers, ditLayout, inferDitConfig } from '@learngene/dit';
import { assembleDense, type KindModel } from '@learngene/kind';
import { disposeParams, paramsToTensorData } from '@learngene/nn';
import { type TensorData, toFloat32 } from '@learngene/tensor-io';
import { ConfigError } from '../../errors';
import { denseFile, readDenseTensors } from '../dense-model';

/**
 * How far weights may be from those of the learngenes, relative. Float32 sums in another order differ by 1e-7; half floats by
 * 1e-3, and an adapter trained on them is for other numbers.
 */
const ROUNDING = 1e-5;

/** The rows of a model's classes. */
export interface ModelClasses {
  /** Number of classes, without the null label. */
  readonly count: number;
  /** [classes, D], f32. */
  readonly rows: TensorData;
  /** The architecture, with that many classes. */
  readonly dit: DitConfig;
}

/**
 * Reads the model that an adapter was trained on, in a folder of diffusers, and checks that it is that of a bundle's learngenes.
 *
 * @param path - the folder of the transformer.
 * @param bundle - the bundle's model; no tailors are needed. Never disposed.
 * @throws ConfigError for another network, for another null row and for other weights, naming the first that differs most
 */
export async function readLearngeneModel(path: string, bundle: KindModel): Promise<ModelClasses> {
  const { dit } = bundle.config;
  const file = join(path, 'config.json');
  if (!existsSync(file)) {
    throw new ConfigError(`${path}: expected the folder of a model of diffusers, got no config.json in it`);
  }
  checkNetwork(file, dit);
  const found = await readDenseTensors(denseFile(path));
  const layout = ditLayout(found);
  if (layout !== 'diffusers') throw new ConfigError(`${path}: expected tensors of diffusers, got those of ${layout}`);
  const tensors = asConfigError(path, () => {
    const { classes, ...given } = dit;
    const config = inferDitConfig(found, given);
    return { own: ditFromDiffusers(found, config), config };
  });
  const table = tensors.own.get('label.table')!;
  const count = tensors.config.classes;
  const values = toFloat32(table);
  const [, D] = table.shape;
  const expected = await learngeneTensors(bundle);
  const nullRow = { dtype: 'F32', shape: [D], data: values.subarray(count * D) } as const;
  expected.set('label.table', { ...nullRow, data: toFloat32(expected.get('label.table')!).subarray(D) });
  checkSame(path, new Map(tensors.own).set('label.table', nullRow), expected);
  const rows = { dtype: 'F32', shape: [count, D], data: values.slice(0, count * D) } as const;
  if (!rows.data.every(Number.isFinite)) {
    throw new ConfigError(`${path}: label.table: expected finite numbers`);
  }
  return { count, rows, dit: { ...dit, classes: count } };
}

/** What of a network the shapes of its tensors do not tell. */
function checkNetwork(file: string, dit: DitConfig): void {
  const described = asConfigError(file, () => ditConfigFromDiffusers(JSON.parse(readFileSync(file, 'utf8'))));
  for (const field of ['inputSize', 'patchSize', 'inChannels', 'heads', 'mlpNormEps'] as const) {
    if (described[field] === dit[field]) continue;
    throw new ConfigError(`${file}: expected ${field} ${dit[field]}, as the bundle has, got ${described[field]}`);
  }
}

/** The tensors of the dense DiT of the learngenes alone. */
async function learngeneTensors({ config, params }: KindModel): Promise<Map<string, TensorData>> {
  const dense = assembleDense({ config: { ...config, groups: [] }, params });
  try {
    return await paramsToTensorData(dense.params);
  } finally {
    disposeParams(dense.params);
  }
}

/** Throws where a tensor is not that of the learngenes, naming the one that differs most. */
function checkSame(
  path: string,
  got: ReadonlyMap<string, TensorData>,
  expected: ReadonlyMap<string, TensorData>,
): void {
  let worst = { name: '', error: ROUNDING };
  for (const [name, tensor] of expected) {
    const error = relativeDistance(toFloat32(got.get(name)!), toFloat32(tensor));
    if (!(error <= worst.error)) worst = { name, error };
    if (Number.isNaN(error)) break;
  }
  if (worst.name === '') return;
  throw new ConfigError(
    `${path}: another base: expected the learngenes of the bundle, got others: ${worst.name} differs by ${worst.error.toExponential(1)}, relative; an adapter fits only the model that it was trained on`,
  );
}

function relativeDistance(a: Float32Array, b: Float32Array): number {
  let [difference, norm] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    difference += (a[i] - b[i]) ** 2;
    norm += b[i] ** 2;
  }
  return difference === 0 ? 0 : Math.sqrt(difference / norm);
}

function asConfigError<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new ConfigError(path, { cause });
  }
}
