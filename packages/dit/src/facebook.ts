import { fromFloat32, type NamedTensors, type TensorData, toFloat32 } from '@learngene/tensor-io';
import { checkOptions, checkTensors } from './arguments';
import { type DitConfig, validateDitConfig } from './config';
import { exportEntries, importEntries, tensorAt } from './convert';
import { FACEBOOK_LABELS, facebookEntries, ownShapes } from './layouts';
import { positionTable } from './position';
import { gridSize, tokenCount } from './sizes';

/**
 * Largest difference to the fixed table. Files in float16 or bfloat16 round the table; a table for another grid differs
 * by about 1.
 */
const POSITION_TOLERANCE = 1e-2;

/** Settings of {@link ditFromFacebook}. */
export interface FromFacebookOptions {
  /**
   * Where the row of the null label comes from. 'file' (default): it is the last row of the label table. 'mean': the
   * table has `classes` rows, as of a model trained without label dropout (class_dropout_prob 0), and their mean is
   * added as the null row. Outputs for classes are then those of the model. Outputs for the null label, and so
   * guidance, were never trained.
   */
  readonly nullRow?: 'file' | 'mean';
}

/**
 * Converts a state dict in the layout of facebookresearch/DiT to our tensors. fast-DiT, SiT and the "ema" and "model"
 * entries of their checkpoints have the same layout.
 *
 * The fused qkv is split. `pos_embed`, if present, is checked against the fixed table and left out.
 *
 * @param tensors - any dtype; arrays of the result are views of its arrays.
 * @returns tensors in the layout of `DitParams`.
 * @throws on a missing or unexpected key, a wrong shape, another position table, or a label table without the null
 *   label's row (see `nullRow`); the message names the key
 */
export function ditFromFacebook(
  tensors: NamedTensors,
  config: DitConfig,
  options: FromFacebookOptions = {},
): Map<string, TensorData> {
  checkTensors(tensors);
  validateDitConfig(config);
  checkOptions(options, ['nullRow']);
  const { nullRow = 'file' } = options;
  if (nullRow !== 'file' && nullRow !== 'mean') {
    throw new Error(`nullRow: expected 'file' or 'mean', got ${JSON.stringify(nullRow)}`);
  }
  if (tensors.has('pos_embed')) checkPosition(tensors, config);
  const whole = withNullRow(tensors, config, nullRow);
  return importEntries(whole, facebookEntries(config), { layout: 'facebook', ignored: ['pos_embed'] });
}

/**
 * The state dict with a label table of classes + 1 rows. Where the file has another number, the error says what to
 * choose.
 */
function withNullRow(tensors: NamedTensors, { classes }: DitConfig, nullRow: 'file' | 'mean'): NamedTensors {
  const table = tensors.get(FACEBOOK_LABELS);
  if (table?.shape.length !== 2) return tensors; // importEntries names it
  const [rows, D] = table.shape;
  if (nullRow === 'file') {
    if (rows !== classes) return tensors;
    const choice = "nullRow: 'mean' reads it; was it trained with label dropout, classes is one less";
    throw new Error(
      `${FACEBOOK_LABELS}: expected ${classes + 1} rows, got ${rows}, without the null label's: ${choice}`,
    );
  }
  if (rows !== classes) {
    throw new Error(`${FACEBOOK_LABELS}: expected ${classes} rows with nullRow 'mean', got ${rows}`);
  }
  const values = toFloat32(table);
  const data = new Float32Array((rows + 1) * D);
  data.set(values);
  for (let d = 0; d < D; d++) {
    let sum = 0;
    for (let row = 0; row < rows; row++) sum += values[row * D + d];
    data[rows * D + d] = sum / rows;
  }
  return new Map([...tensors, [FACEBOOK_LABELS, { dtype: 'F32', shape: [rows + 1, D], data }]]);
}

/** Settings of {@link ditToFacebook}. */
export interface ToFacebookOptions {
  /**
   * Whether the label table ends with the row of the null label. 'file' (default): it does, as that of a model with
   * class_dropout_prob above 0. 'none': it has `classes` rows, as facebookresearch/DiT builds it where class_dropout_prob is 0.
   */
  readonly nullRow?: 'file' | 'none';
}

/**
 * Converts our tensors to a state dict in the layout and order of facebookresearch/DiT. q, k and v are joined, and
 * `pos_embed` is computed in the dtype of the patch weight. It is the inverse of {@link ditFromFacebook}, bit for bit; with
 * `nullRow` 'none' of that with 'mean'.
 *
 * @param tensors - in the layout of `DitParams`; arrays that need no join are shared with the result.
 * @throws on a missing or unexpected name, a wrong shape, and q, k, v of different dtypes
 */
export function ditToFacebook(
  tensors: NamedTensors,
  config: DitConfig,
  options: ToFacebookOptions = {},
): Map<string, TensorData> {
  checkTensors(tensors);
  validateDitConfig(config);
  checkOptions(options, ['nullRow']);
  const { nullRow = 'file' } = options;
  if (nullRow !== 'file' && nullRow !== 'none') {
    throw new Error(`nullRow: expected 'file' or 'none', got ${JSON.stringify(nullRow)}`);
  }
  const weights = exportEntries(tensors, facebookEntries(config), ownShapes(config));
  if (nullRow === 'none') weights.set(FACEBOOK_LABELS, firstRows(weights.get(FACEBOOK_LABELS)!, config.classes));
  const dtype = tensors.get('patch.weight')!.dtype;
  if (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16' && dtype !== 'F64') {
    throw new Error(`patch.weight: expected a floating dtype, got ${dtype}`);
  }
  const table = positionTable(config.hiddenSize, gridSize(config)).slice();
  return new Map([['pos_embed', fromFloat32(table, positionShape(config), dtype)], ...weights]);
}

/** The first rows of a table, a view of its data. */
function firstRows({ shape: [, columns], ...table }: TensorData, rows: number): TensorData {
  return { ...table, shape: [rows, columns], data: table.data.subarray(0, rows * columns) } as TensorData;
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
