/** Sizes of a convolution with batch normalisation. */
export interface InceptionConv {
  /** Input channels. */
  readonly in: number;
  /** Output channels. */
  readonly out: number;
  /** Rows and columns of the kernel. */
  readonly kernel: readonly [number, number];
}

type Kernel = number | readonly [number, number];
type Layer = readonly [name: string, inputs: number, out: number, kernel: Kernel];

/** Outputs of the classifier: the classes of ImageNet in 2015 and 8 unused ones. */
export const INCEPTION_CLASSES = 1008;
/** Length of the pool3 features. */
export const POOL3 = 2048;
/** Channels of the spatial features that ADM keeps. */
export const SPATIAL_CHANNELS = 7;
/** Side of the images that the network was trained on. */
export const INCEPTION_SIZE = 299;

const ROW: Kernel = [1, 7];
const COLUMN: Kernel = [7, 1];

const STEM: readonly Layer[] = [
  ['Conv2d_1a_3x3', 3, 32, 3],
  ['Conv2d_2a_3x3', 32, 32, 3],
  ['Conv2d_2b_3x3', 32, 64, 3],
  ['Conv2d_3b_1x1', 64, 80, 1],
  ['Conv2d_4a_3x3', 80, 192, 3],
];

const blockA = (inputs: number, pool: number): Layer[] => [
  ['branch1x1', inputs, 64, 1],
  ['branch5x5_1', inputs, 48, 1],
  ['branch5x5_2', 48, 64, 5],
  ['branch3x3dbl_1', inputs, 64, 1],
  ['branch3x3dbl_2', 64, 96, 3],
  ['branch3x3dbl_3', 96, 96, 3],
  ['branch_pool', inputs, pool, 1],
];

const BLOCK_B: readonly Layer[] = [
  ['branch3x3', 288, 384, 3],
  ['branch3x3dbl_1', 288, 64, 1],
  ['branch3x3dbl_2', 64, 96, 3],
  ['branch3x3dbl_3', 96, 96, 3],
];

const blockC = (width: number): Layer[] => [
  ['branch1x1', 768, 192, 1],
  ['branch7x7_1', 768, width, 1],
  ['branch7x7_2', width, width, ROW],
  ['branch7x7_3', width, 192, COLUMN],
  ['branch7x7dbl_1', 768, width, 1],
  ['branch7x7dbl_2', width, width, COLUMN],
  ['branch7x7dbl_3', width, width, ROW],
  ['branch7x7dbl_4', width, width, COLUMN],
  ['branch7x7dbl_5', width, 192, ROW],
  ['branch_pool', 768, 192, 1],
];

const BLOCK_D: readonly Layer[] = [
  ['branch3x3_1', 768, 192, 1],
  ['branch3x3_2', 192, 320, 3],
  ['branch7x7x3_1', 768, 192, 1],
  ['branch7x7x3_2', 192, 192, ROW],
  ['branch7x7x3_3', 192, 192, COLUMN],
  ['branch7x7x3_4', 192, 192, 3],
];

const blockE = (inputs: number): Layer[] => [
  ['branch1x1', inputs, 320, 1],
  ['branch3x3_1', inputs, 384, 1],
  ['branch3x3_2a', 384, 384, [1, 3]],
  ['branch3x3_2b', 384, 384, [3, 1]],
  ['branch3x3dbl_1', inputs, 448, 1],
  ['branch3x3dbl_2', 448, 384, 3],
  ['branch3x3dbl_3a', 384, 384, [1, 3]],
  ['branch3x3dbl_3b', 384, 384, [3, 1]],
  ['branch_pool', inputs, 192, 1],
];

const blocks = (): Readonly<Record<string, readonly Layer[]>> => ({
  Mixed_5b: blockA(192, 32),
  Mixed_5c: blockA(256, 64),
  Mixed_5d: blockA(288, 64),
  Mixed_6a: BLOCK_B,
  Mixed_6b: blockC(128),
  Mixed_6c: blockC(160),
  Mixed_6d: blockC(160),
  Mixed_6e: blockC(192),
  Mixed_7a: BLOCK_D,
  Mixed_7b: blockE(1280),
  Mixed_7c: blockE(2048),
});

/**
 * Every convolution of Inception v3 (Szegedy et al. 2015) as the FID weights of 2015-12-05 have it, by its name in
 * torchvision, pytorch-fid and torch-fidelity.
 */
export const inceptionConvs: ReadonlyMap<string, InceptionConv> = /* @__PURE__ */ (() =>
  new Map<string, InceptionConv>(
    [
      ...STEM,
      ...Object.entries(blocks()).flatMap(([block, layers]) =>
        layers.map(([name, ...rest]): Layer => [`${block}.${name}`, ...rest]),
      ),
    ].map(([name, inputs, out, kernel]) => [
      name,
      { in: inputs, out, kernel: typeof kernel === 'number' ? [kernel, kernel] : kernel },
    ]),
  ))();
