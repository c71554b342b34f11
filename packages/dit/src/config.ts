import { checkObject } from './arguments';
import { countDitParams } from './counts';
import { DIT_PRESETS, type DitPreset, isDitPreset } from './presets';
import { tokenCount } from './sizes';

/** Everything that determines the shapes and numbers of a model. Plain JSON. */
export interface DitConfig {
  /**
   * Height and width of the input, in pixels of the space that the model works in (32 for latents of 256-pixel images).
   */
  readonly inputSize: number;
  /** Side of a square patch; divides `inputSize`. */
  readonly patchSize: number;
  /** Channels of the input: 4 for latents of Stable Diffusion's autoencoder, 3 or 1 for pixels. */
  readonly inChannels: number;
  /** Width D of a token; divisible by `heads` and by 4. */
  readonly hiddenSize: number;
  /** Number of transformer blocks. */
  readonly depth: number;
  /** Number of attention heads. */
  readonly heads: number;
  /** Hidden width of the MLP divided by `hiddenSize` (4 in the paper). */
  readonly mlpRatio: number;
  /** Number of classes; the label table has one row more, the null label `classes`. */
  readonly classes: number;
  /** Probability in [0, 1] that training replaces a label by the null label (see `dropLabels`). */
  readonly labelDropout: number;
  /** Whether the output holds `inChannels` more channels, which parametrise the variance. */
  readonly learnSigma: boolean;
  /** The timestep frequencies are 10000^(-i / (128 - frequencyShift)): 0 in facebookresearch/DiT, 1 in diffusers. */
  readonly frequencyShift: 0 | 1;
  /** Epsilon of the norm before the MLP: 1e-6 in facebookresearch/DiT, 1e-5 in diffusers. Every other norm has 1e-6. */
  readonly mlpNormEps: number;
}

/** The code base whose numbers are reproduced: the two compute slightly different functions of the same weights. */
export type DitVariant = 'facebook' | 'diffusers';

const VARIANTS: Readonly<Record<DitVariant, Pick<DitConfig, 'frequencyShift' | 'mlpNormEps'>>> = {
  facebook: { frequencyShift: 0, mlpNormEps: 1e-6 },
  diffusers: { frequencyShift: 1, mlpNormEps: 1e-5 },
};

/**
 * The two config fields in which facebookresearch/DiT and diffusers differ. Spread them into overrides. Use the variant
 * that a checkpoint was trained with: at t = 999 the two timestep embeddings are quite different.
 *
 * @throws for an unknown name
 */
export function ditVariant(variant: DitVariant): Pick<DitConfig, 'frequencyShift' | 'mlpNormEps'> {
  const fields = VARIANTS[variant];
  if (!fields) throw new Error(`variant: expected 'facebook' or 'diffusers', got ${JSON.stringify(variant)}`);
  return { ...fields };
}

const DEFAULTS: DitConfig = {
  inputSize: 32,
  ...DIT_PRESETS['DiT-XL/2'],
  inChannels: 4,
  mlpRatio: 4,
  classes: 1000,
  labelDropout: 0.1,
  learnSigma: true,
  ...VARIANTS.facebook,
};

/**
 * A complete, validated configuration.
 *
 * @param preset - one of the twelve names of the paper, 'DiT-{S,B,L,XL}/{2,4,8}', or the fields of a free size; fields
 *   not given are those of DiT-XL/2 on 32x32x4 latents with 1000 classes, as in facebookresearch/DiT.
 * @param overrides - fields that replace the preset's.
 * @throws on an unknown preset or field and on a value out of range, naming the field
 */
export function ditConfig(preset: DitPreset | Partial<DitConfig>, overrides: Partial<DitConfig> = {}): DitConfig {
  if (typeof preset === 'string' && !isDitPreset(preset)) {
    throw new Error(`preset: expected one of ${Object.keys(DIT_PRESETS).join(', ')}, got '${preset}'`);
  }
  if (typeof preset !== 'string') checkObject('preset', preset);
  checkObject('overrides', overrides);
  const base = typeof preset === 'string' ? DIT_PRESETS[preset] : preset;
  const config = { ...DEFAULTS, ...defined(base), ...defined(overrides) };
  validateDitConfig(config);
  return config;
}

/** Leaves out fields that are undefined, so that they do not hide a default. */
function defined(fields: Partial<DitConfig>): Partial<DitConfig> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

const COUNTS = ['inputSize', 'patchSize', 'inChannels', 'hiddenSize', 'depth', 'heads', 'classes'] as const;

/** The largest `depth` of a config: far above any model, far below what would exhaust memory by names alone. */
export const MAX_DIT_DEPTH = 2 ** 12;
/** The largest value of every other number of a config. */
export const MAX_DIT_SIZE = 2 ** 16;
/** The most tokens of an input: an image of 1024 x 1024 pixels in patches of one pixel. */
export const MAX_DIT_TOKENS = 2 ** 20;
/** The most parameters that a config may ask for: 128 GiB of float32, above any Diffusion Transformer. */
export const MAX_PARAMETERS = 2 ** 35;

/**
 * Throws on the first field that is missing, unknown or out of range; the message names it.
 *
 * Sizes are bounded before anything is allocated: {@link MAX_DIT_DEPTH} blocks, {@link MAX_DIT_SIZE} for every other
 * number, {@link MAX_DIT_TOKENS} tokens, and {@link MAX_PARAMETERS} parameters in all, position table included.
 */
export function validateDitConfig(config: DitConfig): void {
  checkObject('config', config);
  for (const name of Object.keys(config)) {
    if (!(name in DEFAULTS)) {
      throw new Error(`config: expected only ${Object.keys(DEFAULTS).join(', ')}, got '${name}'`);
    }
  }
  for (const name of COUNTS) {
    const value = config[name];
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new Error(`${name}: expected a positive integer, got ${String(value)}`);
    }
    const most = name === 'depth' ? MAX_DIT_DEPTH : MAX_DIT_SIZE;
    expect(value <= most, name, `at most ${most}`, value);
  }
  for (const name of ['mlpRatio', 'labelDropout', 'mlpNormEps'] as const) {
    expect(typeof config[name] === 'number', name, 'a number', config[name]);
  }
  const { inputSize, patchSize, hiddenSize, heads, mlpRatio, labelDropout, learnSigma } = config;
  expect(inputSize % patchSize === 0, 'inputSize', `a multiple of patchSize ${patchSize}`, inputSize);
  const most = `${MAX_DIT_TOKENS} patches or fewer`;
  expect(tokenCount(config) <= MAX_DIT_TOKENS, 'inputSize', `${most} of patchSize ${patchSize}`, inputSize);
  expect(hiddenSize % heads === 0, 'hiddenSize', `a multiple of heads ${heads}`, hiddenSize);
  expect(hiddenSize % 4 === 0, 'hiddenSize', 'a multiple of 4 (sines and cosines of two coordinates)', hiddenSize);
  expect(mlpRatio > 0 && hiddenSize * mlpRatio >= 1, 'mlpRatio', 'a positive number', mlpRatio);
  expect(mlpRatio <= MAX_DIT_SIZE, 'mlpRatio', `at most ${MAX_DIT_SIZE}`, mlpRatio);
  expect(labelDropout >= 0 && labelDropout <= 1, 'labelDropout', 'a probability in [0, 1]', labelDropout);
  expect(typeof learnSigma === 'boolean', 'learnSigma', 'true or false', learnSigma);
  const { frequencyShift, mlpNormEps } = config;
  expect(frequencyShift === 0 || frequencyShift === 1, 'frequencyShift', '0 or 1', frequencyShift);
  expect(mlpNormEps > 0 && mlpNormEps < 1, 'mlpNormEps', 'a number in (0, 1)', mlpNormEps);
  const { total } = countDitParams(config);
  if (total > MAX_PARAMETERS) {
    const sizes = `inputSize ${inputSize}, hiddenSize ${hiddenSize}, depth ${config.depth}, classes ${config.classes}`;
    throw new Error(`config: expected at most ${MAX_PARAMETERS} parameters, got ${total} (${sizes})`);
  }
}

function expect(holds: boolean, name: string, expected: string, got: unknown): void {
  if (!holds) throw new Error(`${name}: expected ${expected}, got ${String(got)}`);
}
