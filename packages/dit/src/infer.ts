import { checkObject, checkTensors, shown } from './arguments';
import { type DitConfig, ditConfig, ditVariant } from './config';
import { type DitLayout, FACEBOOK_LABELS, PATCH_KEYS } from './layouts';
import { ditPrefixes } from './prefix';
import { DIT_PRESETS } from './presets';

/** Named tensors of which only the shapes are read: a whole state dict, or the header of a file. */
export type NamedShapes = ReadonlyMap<
  string,
  {
    /** Sizes of the axes. */
    readonly shape: readonly number[];
  }
>;

/** The keys, by layout, of the tensors whose shapes tell the sizes. */
const KEYS = {
  learngene: {
    patch: PATCH_KEYS.learngene,
    label: 'label.table',
    block: 'blocks',
    mlp: 'mlp.in',
    final: 'final.linear',
  },
  facebook: {
    patch: PATCH_KEYS.facebook,
    label: FACEBOOK_LABELS,
    block: 'blocks',
    mlp: 'mlp.fc1',
    final: 'final_layer.linear',
  },
  diffusers: {
    patch: PATCH_KEYS.diffusers,
    label: 'transformer_blocks.0.norm1.emb.class_embedder.embedding_table.weight',
    block: 'transformer_blocks',
    mlp: 'ff.net.0.proj',
    final: 'proj_out_2',
  },
} as const;

/**
 * Detects the layout of a state dict by the key of its patch embedding.
 *
 * @throws for an unknown layout; where keys have a prefix (`module.`, `_orig_mod.`, `model.`, `ema.`) the message says
 *   which one to remove
 */
export function ditLayout(tensors: NamedShapes): DitLayout {
  checkTensors(tensors);
  for (const layout of ['learngene', 'facebook', 'diffusers'] as const) {
    if (tensors.has(KEYS[layout].patch)) return layout;
  }
  const prefixes = ditPrefixes(tensors).map((prefix) => `'${prefix}'`);
  if (prefixes.length > 0) {
    const choice = prefixes.length > 1 ? `, and choose between ${prefixes.join(' and ')}` : '';
    throw new Error(
      `tensors: the keys begin with ${prefixes[0]}: take it off by withoutPrefix(tensors, ${prefixes[0]})${choice}`,
    );
  }
  const wanted = Object.values(KEYS).map(({ patch }) => patch);
  throw new Error(`tensors: expected one of the keys ${wanted.join(', ')}, got ${someKeys(tensors)}`);
}

/** The first keys of a state dict, for a message. */
function someKeys(tensors: NamedShapes): string {
  const keys = [...tensors.keys()].slice(0, 3).map(shown).join(', ');
  return tensors.size > 3 ? `${keys}, ...` : keys || 'no keys';
}

/** Throws where some keys have a prefix before a key of the layout: those without it are not the whole model. */
function checkNoPrefix(tensors: NamedShapes, block: string): void {
  const pattern = new RegExp(`^(.*\\.)${block}\\.\\d+\\.`);
  for (const key of tensors.keys()) {
    const prefix = pattern.exec(key)?.[1];
    if (prefix === undefined) continue;
    throw new Error(
      `tensors: expected one model, got some keys that begin with '${prefix}' (${shown(key)}) and some without`,
    );
  }
}

/** Throws where a field that is given contradicts the shapes of the file. */
function checkGiven(told: Partial<DitConfig>, given: Partial<DitConfig>): void {
  for (const [name, value] of Object.entries(told)) {
    const asked = given[name as keyof DitConfig];
    if (asked === undefined || value === undefined || asked === value) continue;
    throw new Error(`${name}: expected ${value}, as the file's shapes say, got ${shown(asked)}`);
  }
}

/**
 * Infers the configuration from the shapes of a state dict, in any of the three layouts.
 *
 * @param tensors - only shapes are read.
 * @param given - fields that are known; a file that contradicts them is refused. Some fields cannot be inferred and
 *   must be given: `heads`, unless depth and width are those of a preset; `inChannels` or `patchSize` in the
 *   'learngene' layout; `inputSize`, where the file has no `pos_embed` and it is not 32; `classes` in the 'facebook'
 *   layout, unless the table has the 1001 rows of the published models or `labelDropout` above 0 is given (then the
 *   last row is that of the null label). The variant is that of diffusers for its layout, and that of facebookresearch
 *   for the others.
 * @throws when a field cannot be inferred or contradicts a shape, naming it, when a key is missing, and when some keys
 *   have a prefix
 */
export function inferDitConfig(tensors: NamedShapes, given: Partial<DitConfig> = {}): DitConfig {
  const layout = ditLayout(tensors);
  checkObject('given', given);
  const keys = KEYS[layout];
  checkNoPrefix(tensors, keys.block);
  const [hiddenSize] = shapeAt(tensors, keys.patch);
  const [mlpSize] = shapeAt(tensors, `${keys.block}.0.${keys.mlp}.weight`);
  const depth = countBlocks(tensors, keys.block);
  const { patchSize, inChannels } = patchGeometry(shapeAt(tensors, keys.patch), given);
  const told = {
    ...{ patchSize, inChannels, hiddenSize, depth, mlpRatio: mlpSize / hiddenSize },
    inputSize: storedInputSize(tensors, patchSize),
    learnSigma: learnsSigma(shapeAt(tensors, `${keys.final}.bias`)[0] / patchSize ** 2, inChannels),
  };
  // A ratio that does not make the MLP's width exactly (it is cut to a whole number) may be given in other digits.
  const { mlpRatio = told.mlpRatio } = given;
  checkGiven(Math.trunc(hiddenSize * mlpRatio) === mlpSize ? { ...told, mlpRatio } : told, given);
  return ditConfig(
    {
      ...told,
      heads: given.heads ?? presetHeads(hiddenSize, depth),
      classes: classCount(shapeAt(tensors, keys.label)[0], { layout, given }),
      ...ditVariant(layout === 'diffusers' ? 'diffusers' : 'facebook'),
    },
    given,
  );
}

function shapeAt(tensors: NamedShapes, key: string): readonly number[] {
  const tensor = tensors.get(key);
  if (!tensor) throw new Error(`${key}: expected in a DiT state dict, got no such key`);
  return tensor.shape;
}

/**
 * Channels C and patch side p. A convolution weight [D, C, p, p] tells both; a flattened one [D, C·p·p] tells only the
 * product.
 */
function patchGeometry(
  shape: readonly number[],
  given: Partial<DitConfig>,
): Pick<DitConfig, 'patchSize' | 'inChannels'> {
  if (shape.length === 4) return { inChannels: shape[1], patchSize: shape[2] };
  const { inChannels, patchSize } = given;
  if (patchSize) return { patchSize, inChannels: inChannels ?? shape[1] / patchSize ** 2 };
  if (inChannels) return { inChannels, patchSize: Math.sqrt(shape[1] / inChannels) };
  throw new Error('patchSize: expected it to be given, a flattened patch weight does not tell it');
}

/**
 * The number of classes. The tables of diffusers and ours always end with the row of the null label.
 * facebookresearch/DiT has that row only if labels are dropped in training (class_dropout_prob > 0), so there the
 * number of rows does not tell.
 */
function classCount(rows: number, { layout, given }: { layout: DitLayout; given: Partial<DitConfig> }): number {
  const { classes, labelDropout = 0 } = given;
  const isTold = layout !== 'facebook' || rows === PUBLISHED_ROWS || labelDropout > 0;
  if (classes === undefined) {
    if (isTold) return rows - 1;
    const either = `${rows - 1} classes and the null label's row, or, of a model trained without label dropout, ${rows} classes`;
    throw new Error(`classes: expected it to be given, a label table of ${rows} rows is ${either}`);
  }
  if (classes === rows - 1 || (classes === rows && layout === 'facebook')) return classes;
  throw new Error(`classes: expected ${rows - 1}, as the label table of ${rows} rows says, got ${classes}`);
}

/** ImageNet's classes and the null label. */
const PUBLISHED_ROWS = 1001;

function countBlocks(tensors: NamedShapes, prefix: string): number {
  const numbers = new Set<string>();
  for (const key of tensors.keys()) if (key.startsWith(`${prefix}.`)) numbers.add(key.split('.')[1]);
  return numbers.size;
}

function storedInputSize(tensors: NamedShapes, patchSize: number): number | undefined {
  const position = tensors.get('pos_embed');
  return position && Math.sqrt(position.shape[1]) * patchSize;
}

function presetHeads(hiddenSize: number, depth: number): number {
  const preset = Object.values(DIT_PRESETS).find((size) => size.hiddenSize === hiddenSize && size.depth === depth);
  if (preset) return preset.heads;
  throw new Error(`heads: expected it to be given, no preset has hiddenSize ${hiddenSize} and depth ${depth}`);
}

function learnsSigma(channels: number, inChannels: number): boolean {
  if (channels !== inChannels && channels !== 2 * inChannels) {
    throw new Error(`learnSigma: expected ${inChannels} or ${2 * inChannels} output channels, got ${channels}`);
  }
  return channels !== inChannels;
}
