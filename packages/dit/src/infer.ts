import { type DitConfig, ditConfig, ditFlavour } from './config';
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

/** Where each layout keeps the tensors whose shapes tell the sizes. */
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
 * Which layout a state dict has, by its patch embedding's key; throws when it is none of ours, with the prefix to take off
 * where there is one (`module.`, `_orig_mod.`, `model.`, `ema.`).
 */
export function ditLayout(tensors: NamedShapes): DitLayout {
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
  throw new Error(
    `tensors: expected one of the keys ${wanted.join(', ')}, got ${[...tensors.keys()].slice(0, 3)}, ...`,
  );
}

/**
 * The configuration that a state dict's shapes tell, in any of the three layouts.
 *
 * @param tensors - only shapes are read.
 * @param given - fields that are known; they win. Needed: `heads`, unless depth and width are a preset's;
 *   `inChannels` and `patchSize` in the 'learngene' layout (one of them); `inputSize` where the file has no `pos_embed`
 *   and it is not 32; `classes` in the 'facebook' layout, unless it has the 1001 rows of the published models (or
 *   `labelDropout` above 0, which says that the last row is the null label's). The flavour is diffusers' for that layout, facebookresearch's for the others.
 * Throws when a field cannot be told, naming it, or a key is missing.
 */
export function inferDitConfig(tensors: NamedShapes, given: Partial<DitConfig> = {}): DitConfig {
  const layout = ditLayout(tensors);
  const keys = KEYS[layout];
  const [hiddenSize] = shapeAt(tensors, keys.patch);
  const [mlpSize] = shapeAt(tensors, `${keys.block}.0.${keys.mlp}.weight`);
  const depth = countBlocks(tensors, keys.block);
  const { patchSize, inChannels } = patchGeometry(shapeAt(tensors, keys.patch), given);
  return ditConfig(
    {
      patchSize,
      inChannels,
      hiddenSize,
      depth,
      inputSize: given.inputSize ?? storedInputSize(tensors, patchSize),
      heads: given.heads ?? presetHeads(hiddenSize, depth),
      mlpRatio: mlpSize / hiddenSize,
      classes: classCount(shapeAt(tensors, keys.label)[0], { layout, given }),
      learnSigma: learnsSigma(shapeAt(tensors, `${keys.final}.bias`)[0] / patchSize ** 2, inChannels),
      ...ditFlavour(layout === 'diffusers' ? 'diffusers' : 'facebook'),
    },
    given,
  );
}

function shapeAt(tensors: NamedShapes, key: string): readonly number[] {
  const tensor = tensors.get(key);
  if (!tensor) throw new Error(`${key}: expected in a DiT state dict, got no such key`);
  return tensor.shape;
}

/** A convolution's weight [D, C, p, p] tells both; the flattened [D, C·p·p] tells their product. */
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
 * facebookresearch/DiT gives the null label a row only where labels are dropped in training (class_dropout_prob > 0), so
 * that rows alone do not tell; diffusers' table and ours always have that row, the last.
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
