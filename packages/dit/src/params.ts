import type { LinearParams, ParamTree } from '@learngene/nn';
import type { Tensor2D } from '@tensorflow/tfjs-core';

/** Parameters of one block; D = hiddenSize, M = the MLP's width. */
export type DitBlockParams = Readonly<{
  /** Weight [6D, D], rows in the order shift, scale, gate of the attention branch, then of the MLP branch. */
  adaln: LinearParams;
  /** Self-attention. */
  attn: {
    /** Queries, [D, D]. */
    readonly q: LinearParams;
    /** Keys, [D, D]. */
    readonly k: LinearParams;
    /** Values, [D, D]. */
    readonly v: LinearParams;
    /** Output projection, [D, D]. */
    readonly o: LinearParams;
  };
  /** Two-layer perceptron. */
  mlp: {
    /** [M, D]. */
    readonly in: LinearParams;
    /** [D, M]. */
    readonly out: LinearParams;
  };
}>;

/** Parameters outside the blocks and the label table; p = patchSize. */
export type DitFrameParams = Readonly<{
  /** Patch embedding: weight [D, C·p·p] with columns in the order (channel, row, column). */
  patch: LinearParams;
  /** Timestep MLP. */
  time: {
    /** [D, 256]. */
    readonly in: LinearParams;
    /** [D, D]. */
    readonly out: LinearParams;
  };
  /** Output head. */
  final: {
    /** Weight [2D, D], rows in the order shift, scale. */
    readonly adaln: LinearParams;
    /** [p·p·Cout, D] with rows in the order (row, column, channel). */
    readonly linear: LinearParams;
  };
}>;

/** All parameters of a DiT, f32. Names joined with dots are the keys of our checkpoints. */
export type DitParams = DitFrameParams & {
  /** Label embedding. */
  readonly label: {
    /** [classes + 1, D]; the last row is the null label's. */
    readonly table: Tensor2D;
  };
  /** Blocks by number, '0' first. */
  readonly blocks: Readonly<Record<string, DitBlockParams>>;
};

/**
 * The parameters that `applyDit` itself reads. Where the caller replaces how the label table or the six main linear
 * layers of a block are applied, these may be absent or have another form.
 */
export type DitBaseParams = DitFrameParams & {
  /** Label embedding; `table` is read unless `embedLabels` is given. */
  readonly label?: ParamTree;
  /** Blocks by number, '0' first. */
  readonly blocks: Readonly<
    Record<
      string,
      {
        /** [6D, D]. */
        readonly adaln: LinearParams;
        /** Handed on to `linear`. */
        readonly attn?: ParamTree;
        /** Handed on to `linear`. */
        readonly mlp?: ParamTree;
      }
    >
  >;
};
