import type { ConvParams } from '@learngene/nn';
import type { Tensor1D } from '@tensorflow/tfjs-core';

/** Parameters of a residual block of C channels. */
export type TinyBlockParams = Readonly<{
  /** 3x3 convolutions C to C by number, '0' first. */
  conv: Readonly<Record<string, ConvParams>>;
  /** The branch with statistics of the whole image; only with `midBlockPooling`, in the innermost level. */
  pool?: {
    /** 1x1, C to 4C, no bias. */
    readonly in: ConvParams;
    /** Group norm of the 4C channels. */
    readonly norm: {
      /** [4C]. */
      readonly weight: Tensor1D;
      /** [4C]. */
      readonly bias: Tensor1D;
    };
    /** 1x1, 4C to C, no bias. */
    readonly out: ConvParams;
  };
}>;

/** Residual blocks by number, '0' first. */
export type TinyBlocks = Readonly<Record<string, TinyBlockParams>>;

/** A level of the encoder. */
export type TinyEncoderLevel = Readonly<{
  /** Leads into the level. */
  in: ConvParams;
  /** Absent where there are none. */
  blocks?: TinyBlocks;
}>;

/** A level of the decoder. */
export type TinyDecoderLevel = Readonly<{
  /** Absent where there are none. */
  blocks?: TinyBlocks;
  /** Leads out of the level. */
  out: ConvParams;
}>;

/** All parameters of a tiny autoencoder, f32. Names joined with dots are the keys of our checkpoints. */
export type TinyVaeParams = Readonly<{
  /** Images to latents. */
  encoder: {
    /** Levels by number, the outermost first. */
    readonly levels: Readonly<Record<string, TinyEncoderLevel>>;
    /** 3x3, to the latent channels. */
    readonly out: ConvParams;
  };
  /** Latents to images. */
  decoder: {
    /** 3x3, from the latent channels. */
    readonly in: ConvParams;
    /** Levels by number, the innermost first. */
    readonly levels: Readonly<Record<string, TinyDecoderLevel>>;
  };
}>;
