import type { DitConfig, LinearShape } from '@learngene/dit';
import type { LinearParams, ParamTree } from '@learngene/nn';
import type { Generator } from '@learngene/random';
import type { Tensor3D } from '@tensorflow/tfjs-core';
import type { LayerSegment } from './segments';
import type { Leaves } from './trees';

/** One main layer of the model that adapters are attached to. */
export interface LayerContext {
  /** Dotted name, 'blocks.3.attn.q'. */
  readonly name: string;
  /** Input and output width. */
  readonly size: LinearShape;
}

/** What every method says about itself. */
export interface MethodFacts<C> {
  /** Title, authors, year and where to find it. */
  readonly paper: string;
  /** What the base model's main layers must be: dense weights, or factors u, s, v (see `initLowRankDit`). */
  readonly base: 'dense' | 'factored';
  /** A complete config from some of its fields; throws on a field that is unknown or out of range, naming it. */
  complete(input: Partial<C>, dit: DitConfig): C;
  /** The field that sets the size of the method, for `matchRank` (default: there is none). */
  readonly size?: {
    /** Field of the config. */
    readonly field: string;
    /** The values that the model allows, ascending. */
    values(dit: DitConfig): readonly number[];
  };
}

/**
 * A method that adds tensors to every main layer and defines how a layer is applied. Its functions are called inside a
 * tidy.
 */
export type LayerMethod<C> = MethodFacts<C> & {
  /** Tells it from {@link OverlayMethod}. */
  readonly kind: 'layer';
  /** The fields in which single layers may differ, see `LayerSettings` (default none). */
  readonly layerSettings?: {
    /** Names of those fields in the config. */
    readonly fields: readonly string[];
    /** Throws on a value of those fields that a layer of that size cannot have. */
    check(config: C, size: LinearShape, dit: DitConfig): void;
  };
  /** Shapes of what one group trains in a layer, by name. */
  trained(size: LinearShape, config: C): Readonly<Record<string, readonly number[]>>;
  /** Shapes of what stays frozen in a layer, without the bias. */
  frozen(size: LinearShape, config: C): Readonly<Record<string, readonly number[]>>;
  /** Makes the frozen tensors of a layer from those of the base model (default: the same tensors). */
  freeze?(layer: Leaves, config: C, context: LayerContext): Leaves;
  /** Replaces `freeze` for methods whose layers depend on each other. */
  freezeAll?(layers: ReadonlyMap<string, Leaves>, config: C): ReadonlyMap<string, Leaves>;
  /** The initial trained tensors of a group in a layer. They may be frozen tensors themselves. */
  fresh(frozen: Leaves, config: C, context: LayerContext & { readonly generator: Generator }): Leaves;
  /** The layer applied to a batch in segments, [N, T, in] to [N, T, out]. */
  apply(x: Tensor3D, frozen: Leaves, segments: readonly LayerSegment[], config: C): Tensor3D;
  /** The dense layer that equals the adapted one; without `trained`, that of the base model. */
  merge(frozen: Leaves, trained: Leaves | undefined, config: C): LinearParams;
  /** Multiply-accumulates of a layer for one token with an adapter that is not merged. */
  macs(size: LinearShape, config: C): number;
  /**
   * Multiply-accumulates to form weights from the trained tensors, once for each group and forward pass (default 0).
   */
  formationMacs?(size: LinearShape, config: C): number;
};

/** A method whose trained tensors replace tensors of the base model, some or all of them. */
export type OverlayMethod<C> = MethodFacts<C> & {
  /** Tells it from {@link LayerMethod}. */
  readonly kind: 'overlay';
  /** The architecture that is trained (default: that of the base). */
  architecture?(dit: DitConfig, config: C): DitConfig;
  /** The model that training starts from, made of tensors of the base or new ones (default: the base). */
  prepare?(base: ParamTree, config: C, context: { readonly dit: DitConfig; readonly generator: Generator }): ParamTree;
  /** Whether the tensor of that dotted name is trained; 'label.null' is the row of the null label. */
  trains(name: string, config: C): boolean;
};

/** A method, of either kind. */
export type AdapterMethod<C> = LayerMethod<C> | OverlayMethod<C>;
