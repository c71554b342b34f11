import { type DitConfig, ditConfig, ditVariant, validateDitConfig } from './config';
import { outChannels } from './sizes';

/** The `transformer/config.json` of a diffusers DiT pipeline. */
export type DiffusersDitConfig = Readonly<{
  /** Class that diffusers loads it with. */
  _class_name: 'DiTTransformer2DModel';
  /** Number of heads. */
  num_attention_heads: number;
  /** Width of a head. */
  attention_head_dim: number;
  /** Channels of the input. */
  in_channels: number;
  /** Channels of the output, variance channels included. */
  out_channels: number;
  /** Number of blocks. */
  num_layers: number;
  /** Always 0. */
  dropout: number;
  /** Not used by DiT; diffusers' default. */
  norm_num_groups: number;
  /** Always true. */
  attention_bias: boolean;
  /** Height and width of the input. */
  sample_size: number;
  /** Side of a patch. */
  patch_size: number;
  /** Always 'gelu-approximate'. */
  activation_fn: string;
  /** Number of classes, the null label not counted. */
  num_embeds_ada_norm: number;
  /** Always false. */
  upcast_attention: boolean;
  /** Always 'ada_norm_zero'. */
  norm_type: string;
  /** Always false. */
  norm_elementwise_affine: boolean;
  /** Epsilon of the norm before the MLP. */
  norm_eps: number;
}>;

/** The values that diffusers assumes for fields that a file lacks. */
const DEFAULTS: DiffusersDitConfig = {
  _class_name: 'DiTTransformer2DModel',
  num_attention_heads: 16,
  attention_head_dim: 72,
  in_channels: 4,
  out_channels: 0, // null there: as many as in_channels
  num_layers: 28,
  dropout: 0,
  norm_num_groups: 32,
  attention_bias: true,
  sample_size: 32,
  patch_size: 2,
  activation_fn: 'gelu-approximate',
  num_embeds_ada_norm: 1000,
  upcast_attention: false,
  norm_type: 'ada_norm_zero',
  norm_elementwise_affine: false,
  norm_eps: 1e-5,
};

const CLASS_NAMES: readonly unknown[] = ['DiTTransformer2DModel', 'Transformer2DModel'];

/** Fields that must have their default: other values describe other networks. */
const FIXED = ['attention_bias', 'activation_fn', 'norm_type', 'norm_elementwise_affine'] as const;

/**
 * Fields that do not change what DiT computes, at any value or at these values. They come from `Transformer2DModel`,
 * whose config served many networks, and from what diffusers writes into every file. Other fields are refused by name.
 */
const UNUSED: Readonly<Record<string, readonly unknown[] | 'any'>> = {
  _diffusers_version: 'any',
  _name_or_path: 'any',
  dropout: 'any', // of activations, in training
  norm_num_groups: 'any', // of a norm that DiT has not
  upcast_attention: 'any', // attention's softmax is in float32 here
  attention_type: ['default'],
  caption_channels: [],
  cross_attention_dim: [],
  double_self_attention: [false],
  interpolation_scale: [],
  num_vector_embeds: [],
  only_cross_attention: [false],
  use_additional_conditions: [false],
  use_linear_projection: [false],
};

function checkUnused(given: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(given)) {
    const allowed = Object.hasOwn(UNUSED, name) ? UNUSED[name] : undefined;
    if (allowed === 'any' || (!allowed && Object.hasOwn(DEFAULTS, name))) continue;
    if (!allowed) throw new Error(`${name.slice(0, 80)}: expected no such field of a DiT`);
    if (!allowed.includes(value)) {
      throw new Error(`${name}: expected ${JSON.stringify(allowed[0] ?? null)}, got ${JSON.stringify(value)}`);
    }
  }
}

const NUMBERS = [
  ...(['num_attention_heads', 'attention_head_dim', 'in_channels', 'out_channels', 'num_layers'] as const),
  ...(['sample_size', 'patch_size', 'num_embeds_ada_norm', 'norm_eps'] as const),
];

/**
 * Converts a parsed `transformer/config.json` to our config, in the diffusers variant. Fields that it lacks have
 * diffusers' defaults.
 *
 * Older files, whose `_class_name` is `Transformer2DModel`, are read too. The label table has one row more than
 * `num_embeds_ada_norm`, for the null label, which diffusers always has. Known fields that DiT does not use are
 * ignored, as is the dropout of activations, which matters only in training.
 *
 * @throws when the file describes another network or has a field that is not known, naming the field
 */
export function ditConfigFromDiffusers(json: unknown): DitConfig {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new Error(`config: expected an object, got ${JSON.stringify(json)}`);
  }
  const given = Object.fromEntries(Object.entries(json).filter(([, value]) => value !== null));
  checkUnused(given);
  const fields: Record<string, unknown> = { ...DEFAULTS, ...given };
  if (!CLASS_NAMES.includes(fields._class_name)) {
    throw new Error(`_class_name: expected ${CLASS_NAMES.join(' or ')}, got ${JSON.stringify(fields._class_name)}`);
  }
  for (const name of FIXED) {
    if (fields[name] !== DEFAULTS[name]) {
      throw new Error(`${name}: expected ${JSON.stringify(DEFAULTS[name])}, got ${JSON.stringify(fields[name])}`);
    }
  }
  for (const name of NUMBERS) {
    if (typeof fields[name] !== 'number') {
      throw new Error(`${name}: expected a number, got ${JSON.stringify(fields[name])}`);
    }
  }
  const read = fields as DiffusersDitConfig;
  const out = read.out_channels || read.in_channels;
  if (out !== read.in_channels && out !== 2 * read.in_channels) {
    throw new Error(`out_channels: expected ${read.in_channels} or ${2 * read.in_channels}, got ${out}`);
  }
  return ditConfig({
    inputSize: read.sample_size,
    patchSize: read.patch_size,
    inChannels: read.in_channels,
    hiddenSize: read.num_attention_heads * read.attention_head_dim,
    depth: read.num_layers,
    heads: read.num_attention_heads,
    mlpRatio: 4,
    classes: read.num_embeds_ada_norm,
    learnSigma: out !== read.in_channels,
    ...ditVariant('diffusers'),
    mlpNormEps: read.norm_eps,
  });
}

/**
 * The `transformer/config.json` that makes diffusers build this network.
 *
 * @throws for what diffusers cannot express: an MLP ratio other than 4, and the timestep frequencies of
 *   facebookresearch/DiT. (Its own converter ignores the frequencies. To do the same, convert `{ ...config,
 *   ...ditVariant('diffusers') }` and accept slightly different outputs.)
 */
export function ditConfigToDiffusers(config: DitConfig): DiffusersDitConfig {
  validateDitConfig(config);
  if (config.mlpRatio !== 4) throw new Error(`mlpRatio: expected 4 in diffusers, got ${config.mlpRatio}`);
  if (config.frequencyShift !== 1) {
    throw new Error(`frequencyShift: expected 1 in diffusers (see ditVariant), got ${config.frequencyShift}`);
  }
  return {
    ...DEFAULTS,
    num_attention_heads: config.heads,
    attention_head_dim: config.hiddenSize / config.heads,
    in_channels: config.inChannels,
    out_channels: outChannels(config),
    num_layers: config.depth,
    sample_size: config.inputSize,
    patch_size: config.patchSize,
    num_embeds_ada_norm: config.classes,
    norm_eps: config.mlpNormEps,
  };
}
