import { fromFloat32, type NamedTensors, type TensorData, toFloat32 } from '@learngene/tensor-io';
import type { DitConfig } from './config';
import { exportEntries, importEntries, tensorAt } from './convert';
import { facebookEntries, ownShapes } from './layouts';
import { positionTable } from './position';
import { gridSize, tokenCount } from './sizes';

/** float16 and bfloat16 files round the table; a table for another grid is off by about 1. */
const POSITION_TOLERANCE = 1e-2;

/**
 * Our tensors out of a state dict in facebookresearch/DiT's layout (also that of fast-DiT, SiT and their checkpoints'
 * "ema" and "model" entries).
 *
 * The fused qkv is split; `pos_embed` may be absent, is checked against the fixed table and dropped.
 *
 * @param tensors - any dtype; arrays of the result are views of its arrays.
 * @returns tensors in the layout of `DitParams`. Throws on a missing or unexpected key, a wrong shape or another
 *   position table; the message names the key.
 */
export function ditFromFacebook(tensors: NamedTensors, config: DitConfig): Map<string, TensorData> {
  if (tensors.has('pos_embed')) checkPosition(tensors, config);
  return importEntries(tensors, facebookEntries(config), { layout: 'facebook', ignored: ['pos_embed'] });
}

/**
 * The state dict in facebookresearch/DiT's layout of our tensors, in that file's order: q, k, v joined, `pos_embed`
 * recomputed in the dtype of the patch weight. The inverse of {@link ditFromFacebook}, bit for bit.
 *
 * @param tensors - in the layout of `DitParams`; arrays that need no join are shared with the result.
 * Throws on a missing or unexpected name, a wrong shape, and q, k, v of different dtypes.
 */
export function ditToFacebook(tensors: NamedTensors, config: DitConfig): Map<string, TensorData> {
  const weights = exportEntries(tensors, facebookEntries(config), ownShapes(config));
  const dtype = tensors.get('patch.weight')!.dtype;
  if (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16' && dtype !== 'F64') {
    throw new Error(`patch.weight: expected a floating dtype, got ${dtype}`);
  }
  const table = positionTable(config.hiddenSize, gridSize(config)).slice();
  return new Map([['pos_embed', fromFloat32(table, positionShape(config), dtype)], ...weights]);
}

function checkPosition(tensors: NamedTensors, config: DitConfig): void {
  const stored = toFloat32(tensorAt(tensors, 'pos_embed', positionShape(config), 'facebook'));
  const table = positionTable(config.hiddenSize, gridSize(config));
  const far = stored.findIndex((value, i) => !(Math.abs(value - table[i]) <= POSITION_TOLERANCE));
  if (far >= 0) {
    throw new Error(`pos_embed: expected the fixed sin-cos table (${table[far]} at ${far}), got ${stored[far]}`);
  }
}

function positionShape(config: DitConfig): readonly number[] {
  return [1, tokenCount(config), config.hiddenSize];
}
