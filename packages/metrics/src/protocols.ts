import type { MetricName } from './evaluate';
import type { Convention } from './types';

/**
 * How images reach 299 x 299, in float32 without rounding in between:
 * - `'tensorflow'`: bilinear on the grid of TensorFlow 1 (pixel i at i · size / 299, no widened filter), as the graph of 2015,
 *   ADM and torch-fidelity have it;
 * - `'torch'`: `F.interpolate(mode='bilinear', align_corners=False)`, as pytorch-fid has it;
 * - `'pillow'`: Pillow's bicubic on float channels, its filter widened where the image shrinks, as clean-fid has it.
 */
export type InceptionResize = 'tensorflow' | 'torch' | 'pillow';

/** A program whose figures are to be had. */
export type Protocol = 'adm' | 'torch-fidelity' | 'pytorch-fid' | 'clean-fid';

/** What a program does where programs differ. */
export interface ProtocolRules {
  /** How images reach 299 x 299. */
  readonly resize: InceptionResize;
  /** The metrics that the program computes, in its order; others are not to be had under its name. */
  readonly metrics: readonly MetricName[];
  /** Splits of the Inception Score. */
  readonly convention: Convention;
  /** Vectors of a subset of KID: just as many (1000), or as many as both sets have up to that; absent where there is no KID. */
  readonly kidSubset?: 'fixed' | 'at-most';
  /** Whether a folder's images may differ in size: each is resized by itself, or a batch must have one size. */
  readonly sizes: 'any' | 'one';
  /** Whether images in the folders of a folder count. */
  readonly folders: 'all' | 'top';
  /** Endings of images in a folder, in lower case. */
  readonly endings: readonly string[];
  /** What it does, in words, for reports. */
  readonly words: ProtocolWords;
}

/** What a program does, in words. */
export interface ProtocolWords {
  /** Images, resizing and rounding. */
  readonly pixels: string;
  /** Logits and splits of the Inception Score. */
  readonly inceptionScore?: string;
  /** Subsets and kernel of KID. */
  readonly kid?: string;
  /** Features and neighbours of precision and recall. */
  readonly precisionRecall?: string;
  /** Which images and statistics are compared. */
  readonly sets: string;
}

const UINT8 = 'uint8 images; no rounding after the resize';
const TENSORFLOW = `${UINT8} (bilinear to 299 x 299 on the grid of TensorFlow 1); (x - 128) / 128`;
const STORED = "all samples against all images of the reference, or the reference's mu and sigma where it has them";
const ENDINGS = ['.bmp', '.jpg', '.jpeg', '.pgm', '.png', '.ppm', '.tif', '.tiff', '.webp'];

/** Every protocol by its name. */
export const PROTOCOLS: Readonly<Record<Protocol, ProtocolRules>> = {
  adm: {
    resize: 'tensorflow',
    metrics: ['inception-score', 'fid', 'sfid', 'precision-recall'],
    convention: 'adm',
    sizes: 'one',
    folders: 'all',
    endings: ENDINGS,
    words: {
      pixels: TENSORFLOW,
      inceptionScore: 'logits without bias, 1008 classes; consecutive splits of 5000',
      precisionRecall: 'pool3, k = 3, all images of both sets',
      sets: `${STORED} (mu_s and sigma_s for sFID)`,
    },
  },
  'torch-fidelity': {
    resize: 'tensorflow',
    metrics: ['inception-score', 'fid', 'kid', 'precision-recall'],
    convention: 'torch-fidelity',
    kidSubset: 'fixed',
    sizes: 'one',
    folders: 'top',
    endings: ['.png', '.jpg', '.jpeg'],
    words: {
      pixels: TENSORFLOW,
      inceptionScore: 'logits without bias, 1008 classes; 10 splits shuffled by RandomState(2020)',
      kid: '100 subsets of 1000 drawn by RandomState(2020); polynomial kernel of degree 3',
      precisionRecall: 'pool3 (feature_extractor inception-v3-compat; its default is VGG-16), k = 3',
      sets: STORED,
    },
  },
  'pytorch-fid': {
    resize: 'torch',
    metrics: ['fid'],
    convention: 'adm',
    sizes: 'one',
    folders: 'top',
    endings: ENDINGS,
    words: {
      pixels: `${UINT8} (bilinear to 299 x 299, half-pixel centres); 2 x / 255 - 1`,
      sets: STORED,
    },
  },
  'clean-fid': {
    resize: 'pillow',
    metrics: ['fid', 'kid'],
    convention: 'adm',
    kidSubset: 'at-most',
    sizes: 'any',
    folders: 'all',
    endings: ENDINGS,
    words: {
      pixels: `${UINT8} (Pillow's bicubic to 299 x 299 on float channels, clipped to [0, 255]); (x - 128) / 128`,
      kid: '100 subsets of 1000, or of all images where there are fewer, by a seed of ours (its own draws have none); polynomial kernel of degree 3',
      sets: STORED,
    },
  },
};

/** The names of {@link PROTOCOLS}. */
export const PROTOCOL_NAMES = Object.keys(PROTOCOLS) as readonly Protocol[];

/** @throws RangeError for another name */
export function checkProtocol(protocol: Protocol): void {
  if (!PROTOCOL_NAMES.includes(protocol)) {
    throw new RangeError(`protocol: expected ${PROTOCOL_NAMES.join(', ')}, got ${JSON.stringify(protocol)}`);
  }
}
