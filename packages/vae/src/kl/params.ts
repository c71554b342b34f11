import type { ConvParams, LinearParams } from '@learngene/nn';
import type { Tensor1D } from '@tensorflow/tfjs-core';

/** Scale and shift of a group norm of C channels. */
export type NormParams = Readonly<{
  /** [C]. */
  weight: Tensor1D;
  /** [C]. */
  bias: Tensor1D;
}>;

/** Parameters of a residual block from B to C channels. */
export type KlBlockParams = Readonly<{
  /** Of the B channels. */
  norm1: NormParams;
  /** 3x3, B to C. */
  conv1: ConvParams;
  /** Of the C channels. */
  norm2: NormParams;
  /** 3x3, C to C. */
  conv2: ConvParams;
  /** 1x1, B to C; only where they differ. */
  skip?: ConvParams;
}>;

/** Parameters between the levels of the encoder or the decoder: two blocks, and attention between them. */
export type KlMidParams = Readonly<{
  /** The first block. */
  in: KlBlockParams;
  /** Self-attention with one head; only with `midBlockAttention`. */
  attn?: {
    /** Group norm before it. */
    readonly norm: NormParams;
    /** Queries, [C, C]. */
    readonly q: LinearParams;
    /** Keys, [C, C]. */
    readonly k: LinearParams;
    /** Values, [C, C]. */
    readonly v: LinearParams;
    /** Output projection, [C, C]. */
    readonly o: LinearParams;
  };
  /** The second block. */
  out: KlBlockParams;
}>;

/** Residual blocks by number, '0' first. */
export type KlBlocks = Readonly<Record<string, KlBlockParams>>;

/** A level of the encoder. */
export type KlEncoderLevel = Readonly<{
  /** Residual blocks. */
  blocks: KlBlocks;
  /** Strided 3x3; absent in the innermost level. */
  down?: ConvParams;
}>;

/** A level of the decoder. */
export type KlDecoderLevel = Readonly<{
  /** Residual blocks. */
  blocks: KlBlocks;
  /** 3x3 after upsampling; absent in the outermost level. */
  up?: ConvParams;
}>;

/** All parameters of an AutoencoderKL, f32. Names joined with dots are the keys of our checkpoints. */
export type KlVaeParams = Readonly<{
  /** Images to the moments of the posterior. */
  encoder: {
    /** 3x3, from the image channels. */
    readonly in: ConvParams;
    /** Levels by number, the outermost first. */
    readonly levels: Readonly<Record<string, KlEncoderLevel>>;
    /** The middle. */
    readonly mid: KlMidParams;
    /** Group norm before the last convolution. */
    readonly norm: NormParams;
    /** 3x3, to twice the latent channels: mean, then log variance. */
    readonly out: ConvParams;
  };
  /** Latents to images. */
  decoder: {
    /** 3x3, from the latent channels. */
    readonly in: ConvParams;
    /** The middle. */
    readonly mid: KlMidParams;
    /** Levels by number, the innermost first. */
    readonly levels: Readonly<Record<string, KlDecoderLevel>>;
    /** Group norm before the last convolution. */
    readonly norm: NormParams;
    /** 3x3, to the image channels. */
    readonly out: ConvParams;
  };
  /** 1x1 after the encoder; only with `quantConv`. */
  quant?: ConvParams;
  /** 1x1 before the decoder; only with `postQuantConv`. */
  postQuant?: ConvParams;
}>;
