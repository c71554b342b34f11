/** Sizes of a Diffusion Transformer and of the batch it gets. */
export interface ModelSpec {
  hiddenSize: number;
  depth: number;
  heads: number;
  patchSize: number;
  inputSize: number;
  inChannels: number;
  classes: number;
  batch: number;
  /** Class of every sample, ascending. */
  labels: number[];
  precision: 'f32' | 'bf16';
  /** Steps whose losses both sides must agree on (default 3). */
  checkSteps?: number;
  /** Where our side writes the weights that both use. */
  weights: string;
}

/** A KIND model; group g is class g. */
export interface KindSpec extends ModelSpec {
  learngeneRank: number;
  tailorRank: number;
  groups: number;
  /** Which parts change (default 'all'); with 'tailors' the step is that of fresh tailors for novel classes. */
  trainable?: 'all' | 'tailors';
  /** Whether every step has images, noise and timesteps of its own, and writes a line of a log (default false). */
  data?: boolean;
}

/** DDIM of a KIND model with guidance; the branch without a label keeps the gate of its class. */
export interface KindSampleSpec extends KindSpec {
  steps: number;
  guidance: number;
}

/** DDIM with classifier-free guidance. */
export interface SampleSpec extends ModelSpec {
  steps: number;
  guidance: number;
}

/** Inference of a model of learngenes alone, or the dense model where `rank` is 0. */
export interface FactoredSpec extends ModelSpec {
  rank: number;
}

/** A product [m, k] by [k, n]; N and T say which factor is stored transposed. */
export interface MatmulSpec {
  layout: 'NN' | 'NT' | 'TN';
  m: number;
  k: number;
  n: number;
  batch?: number;
  precision: 'f32' | 'bf16';
}

/** An operation on [N, T, D]. */
export interface TokensSpec {
  shape: [number, number, number];
  heads: number;
  backward: boolean;
}

/** A 3x3 convolution of [N, H, W, C]. */
export interface ConvSpec {
  shape: [number, number, number, number];
  out: number;
  backward: boolean;
}

/** One image through half of an autoencoder. */
export interface AutoencoderSpec {
  model: 'kl' | 'tiny';
  part: 'encode' | 'decode';
  /** Of the image, pixels. */
  side: number;
  /** Name and shape of every weight, in the order of their seeds. */
  tensors: (readonly [name: string, shape: readonly number[]])[];
}

/** A group norm with SiLU of [N, H, W, C]. */
export interface GroupNormSpec {
  shape: [number, number, number, number];
  groups: number;
  backward: boolean;
}
