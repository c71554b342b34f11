import { blockLinearNames, type DitReader } from '@learngene/dit';
import { disposeParams, type LinearParams, type ParamTree } from '@learngene/nn';
import { toFloat32 } from '@learngene/tensor-io';
import { type FactoredParams, factorDenseAsync, selectComponents } from '@learngene/tensor-svd';
import * as tf from '@tensorflow/tfjs-core';
import { validateKindConfig } from './config';
import { highestTailorRank, type KindConfig } from './config-types';
import {
  checkFirstGroups,
  checkLayerRank,
  checkOptions,
  type FactoredStart,
  type FromDenseOptions,
  paramsOfStart,
} from './from-dense';
import type { KindParams, SharedParams } from './params';

/** How far the factors of a layer are from its weight. */
export interface LayerError {
  /** The layer: 'blocks.0.attn.q'. */
  readonly layer: string;
  /** Components of learngenes and tailors together. */
  readonly rank: number;
  /** ‖W − W_r‖ / ‖W‖, Frobenius norms; 0 for a weight of zeros. */
  readonly error: number;
}

/** Options of {@link kindFromDenseReader}. */
export interface FromDenseReaderOptions extends FromDenseOptions {
  /**
   * For every class of the config the row of the dense model's label table that it starts from (default: its id). The last row of
   * the table is that of the null label.
   */
  readonly classRows?: readonly number[];
  /** Called after every layer. */
  readonly onLayer?: (error: LayerError, place: { readonly done: number; readonly layers: number }) => void;
}

/**
 * `kindFromDense` of a dense DiT that is read a tensor at a time: beside the result, one layer is in memory. The parameters have the
 * same bits.
 *
 * @param read - reads a tensor by our name, as `ditReader` does; any floating dtype.
 * @returns f32 parameters that the caller owns.
 * @throws as `kindFromDense`, and for `classRows` that are no rows of the table
 */
export async function kindFromDenseReader(
  read: DitReader,
  config: KindConfig,
  options: FromDenseReaderOptions,
): Promise<KindParams> {
  checkOptions('kindFromDenseReader', options, ['classRows', 'onLayer']);
  validateKindConfig(config);
  checkFirstGroups(config.groups);
  const { dit } = config;
  for (const name of blockLinearNames(dit)) checkLayerRank(config, name);
  const held: ParamTree[] = [];
  const hold = <T>(tree: T): T => {
    held.push(tree as ParamTree);
    return tree;
  };
  try {
    const { common, rest } = await factorLayers(read, config, { options, hold });
    const table = await read('label.table');
    const { shape, data } = { shape: table.shape, data: toFloat32(table) };
    const ids = options.classRows ?? Array.from({ length: dit.classes }, (_, id) => id);
    checkRows(ids, { classes: dit.classes, rows: shape[0] });
    const shared = hold(await sharedOf(read, dit.depth, data.slice((shape[0] - 1) * shape[1])));
    const rows = (classes: readonly number[]) =>
      tf.tensor2d(
        concatRows(
          data,
          shape[1],
          classes.map((id) => ids[id]),
        ),
        [classes.length, shape[1]],
      );
    const params = tf.tidy(() => paramsOfStart(config, { common, rest, shared, rows } satisfies FactoredStart));
    for (const layer of rest.values()) disposeParams({ ...layer });
    return params;
  } catch (error) {
    for (const tree of held) disposeParams(tree);
    throw error;
  }
}

interface Factoring {
  readonly options: FromDenseReaderOptions;
  readonly hold: <T>(tree: T) => T;
}

/** Learngenes and first tailors of all layers, one after another. */
async function factorLayers(read: DitReader, config: KindConfig, { options, hold }: Factoring) {
  const { generator, randomized = false, onLayer } = options;
  const { learngeneRank: N_G } = config;
  const rank = N_G + highestTailorRank(config);
  const names = blockLinearNames(config.dit);
  const common = new Map<string, FactoredParams>();
  const rest = new Map<string, FactoredParams>();
  for (const [i, name] of names.entries()) {
    const { layer, energy } = await readLinear(read, name);
    try {
      const factors = await factorDenseAsync(layer, { rank, ...(randomized && { randomized: generator }) });
      const take = (from: number, count: number) =>
        hold({
          ...selectComponents(
            factors,
            Int32Array.from({ length: count }, (_, at) => from + at),
          ),
        });
      common.set(name, take(0, N_G));
      rest.set(name, take(N_G, rank - N_G));
      const s = (await factors.s.data()) as Float32Array;
      disposeParams({ ...factors });
      const left = energy - s.reduce((sum, value) => sum + value * value, 0);
      const error = energy > 0 ? Math.sqrt(Math.max(0, left) / energy) : 0;
      onLayer?.({ layer: name, rank, error }, { done: i + 1, layers: names.length });
    } finally {
      disposeParams({ ...layer });
    }
  }
  return { common, rest };
}

/** A linear layer, and the sum of the squares of its weight. */
async function readLinear(read: DitReader, name: string): Promise<{ layer: LinearParams; energy: number }> {
  const weight = await read(`${name}.weight`);
  const values = toFloat32(weight);
  const bias = await read(`${name}.bias`);
  let energy = 0;
  for (const value of values) energy += value * value;
  return {
    layer: { weight: tf.tensor2d(values, weight.shape as [number, number]), bias: tf.tensor1d(toFloat32(bias)) },
    energy,
  };
}

async function sharedOf(read: DitReader, depth: number, nullRow: Float32Array): Promise<SharedParams> {
  const linear = async (name: string) => (await readLinear(read, name)).layer;
  const patch = await linear('patch');
  const time = { in: await linear('time.in'), out: await linear('time.out') };
  const blocks: Record<string, { adaln: LinearParams }> = {};
  for (let block = 0; block < depth; block++) blocks[block] = { adaln: await linear(`blocks.${block}.adaln`) };
  const final = { adaln: await linear('final.adaln'), linear: await linear('final.linear') };
  return { patch, time, label: { null: tf.tensor2d(nullRow, [1, nullRow.length]) }, blocks, final };
}

function checkRows(ids: readonly number[], { classes, rows }: { classes: number; rows: number }): void {
  const isRow = (id: number) => Number.isInteger(id) && id >= 0 && id < rows;
  if (ids.length === classes && ids.every(isRow)) return;
  throw new Error(`classRows: expected ${classes} rows of a table of ${rows}, got ${ids.length}: ${ids.slice(0, 5)}`);
}

function concatRows(data: Float32Array, width: number, ids: readonly number[]): Float32Array {
  const rows = new Float32Array(ids.length * width);
  for (const [at, id] of ids.entries()) rows.set(data.subarray(id * width, (id + 1) * width), at * width);
  return rows;
}
