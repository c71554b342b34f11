import { checkInteger } from '../check';

/** Shape of the small classifier; see {@link classifierConfig} for the defaults. */
export interface ClassifierConfig {
  /** Rows of an image. */
  readonly height: number;
  /** Columns of an image. */
  readonly width: number;
  /** Channels of an image. */
  readonly channels: number;
  /** Number of classes. */
  readonly classes: number;
  /** Pixels between the centres of two tokens. */
  readonly stride: number;
  /** Side of the square of pixels that a token sees, at least `stride`. */
  readonly window: number;
  /** Channels of a token before and after the 2 x 2 merge. */
  readonly hidden: readonly [number, number];
  /** Mixer blocks before and after the merge. */
  readonly depth: readonly [number, number];
  /** Length of the penultimate activations, the features. */
  readonly features: number;
  /** How many channels of the map before the merge are the spatial features of sFID. */
  readonly spatialChannels: number;
}

/** The options of a classifier: the size of the images and the number of classes are required. */
export type ClassifierOptions = Pick<ClassifierConfig, 'height' | 'width' | 'channels' | 'classes'> &
  Partial<ClassifierConfig>;

const DEFAULTS = { stride: 4, window: 8, hidden: [32, 96], depth: [0, 1], features: 64, spatialChannels: 7 } as const;

const FIELDS: readonly string[] = [...Object.keys(DEFAULTS), 'height', 'width', 'channels', 'classes'];

/**
 * Completes and checks a configuration. Defaults: tokens of 8 x 8 pixels, 4 pixels apart, with 32 channels; 96 channels
 * and 1 block after the merge; 64 features; 7 spatial channels, as many as ADM takes from Inception.
 *
 * @throws RangeError that names the field.
 */
export function classifierConfig(options: ClassifierOptions): ClassifierConfig {
  if (options === null || typeof options !== 'object') {
    throw new RangeError(`classifier: expected an object of fields, got ${String(options)}`);
  }
  const { height, width, channels, classes, stride, window, hidden, depth, features, spatialChannels } = {
    ...DEFAULTS,
    ...options,
  };
  for (const field of Object.keys(options)) {
    if (FIELDS.includes(field)) continue;
    throw new RangeError(`classifier: expected only ${FIELDS.join(', ')}, got '${field.slice(0, 80)}'`);
  }
  checkInteger('height', height, 1);
  checkInteger('width', width, 1);
  checkInteger('channels', channels, 1);
  checkInteger('classes', classes, 2);
  checkInteger('stride', stride, 1);
  checkInteger('window', window, stride);
  checkInteger('features', features, 1);
  checkInteger('spatialChannels', spatialChannels, 1);
  for (const stage of [0, 1] as const) {
    checkInteger(`hidden[${stage}]`, hidden[stage], 1);
    checkInteger(`depth[${stage}]`, depth[stage], 0);
  }
  if (spatialChannels > hidden[0]) {
    throw new RangeError(`spatialChannels: expected at most hidden[0] = ${hidden[0]}, got ${spatialChannels}`);
  }
  if ((window - stride) % 2 !== 0)
    throw new RangeError(`window: expected stride ${stride} plus an even number, got ${window}`);
  const pair = (values: readonly [number, number]) => [values[0], values[1]] as const;
  return {
    height,
    width,
    channels,
    classes,
    stride,
    window,
    hidden: pair(hidden),
    depth: pair(depth),
    features,
    spatialChannels,
  };
}

/** Sizes that follow from a configuration. */
export interface ClassifierSizes {
  /** Rows of the token grid before the merge, even. */
  readonly gridHeight: number;
  /** Columns of the token grid before the merge, even. */
  readonly gridWidth: number;
  /** Tokens before the merge; a quarter of them after it. */
  readonly tokens: number;
  /** Number of pixel values of a token. */
  readonly patch: number;
}

/** Computes the sizes. The image counts as padded to a multiple of twice the stride. */
export function classifierSizes({ height, width, channels, stride, window }: ClassifierConfig): ClassifierSizes {
  const gridHeight = 2 * Math.ceil(height / (2 * stride));
  const gridWidth = 2 * Math.ceil(width / (2 * stride));
  return { gridHeight, gridWidth, tokens: gridHeight * gridWidth, patch: window * window * channels };
}
