import type { MetricName } from '../evaluate';
import type { Convention } from '../types';
import type { InceptionResize } from './resize';

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
  /** Images, resizing and rounding in words, for reports. */
  readonly pixels: string;
}

const UINT8 = 'uint8 images; no rounding after the resize';

/** Every protocol by its name. */
export const PROTOCOLS: Readonly<Record<Protocol, ProtocolRules>> = {
  adm: {
    resize: 'tensorflow',
    metrics: ['inception-score', 'fid', 'sfid', 'precision-recall'],
    convention: 'adm',
    pixels: `${UINT8} (bilinear to 299 x 299 on the grid of TensorFlow 1); (x - 128) / 128`,
  },
  'torch-fidelity': {
    resize: 'tensorflow',
    metrics: ['inception-score', 'fid', 'kid', 'precision-recall'],
    convention: 'torch-fidelity',
    pixels: `${UINT8} (bilinear to 299 x 299 on the grid of TensorFlow 1); (x - 128) / 128`,
  },
  'pytorch-fid': {
    resize: 'torch',
    metrics: ['fid'],
    convention: 'adm',
    pixels: `${UINT8} (bilinear to 299 x 299, half-pixel centres); 2 x / 255 - 1`,
  },
  'clean-fid': {
    resize: 'pillow',
    metrics: ['fid', 'kid'],
    convention: 'adm',
    pixels: `${UINT8} (Pillow's bicubic to 299 x 299 on float channels, clipped to [0, 255]); (x - 128) / 128`,
  },
};

/** The names of {@link PROTOCOLS}. */
export const PROTOCOL_NAMES = Object.keys(PROTOCOLS) as readonly Protocol[];
