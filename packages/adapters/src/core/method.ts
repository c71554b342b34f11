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
  /** What `matchRank` may turn: the name of the field and the values that the model allows, ascending. */
  readonly size?: {
    /** Field of the config. */
    readonly field: string;
    /** Its possible values. */
    values(dit: DitConfig): readonly number[];
  };
}

/** A method that adds tensors to every main layer and goes through the Linear seam. Called inside a tidy. */
export type LayerMethod<C> = MethodFacts<C> & {
  /** Told from {@link OverlayMethod}. */
  readonly kind: 'layer';
  /** What single layers may have other than the rest (see `LayerSettings`); default: nothing. */
  readonly layerSettings?: {
    /** Fields of the config. */
    readonly fields: readonly string[];
    /** Throws on a value of those fields that a layer of that size cannot have. */
    check(config: C, size: LinearShape, dit: DitConfig): void;
  };
  /** Shapes of what one group trains in a layer, by name. */
  trained(size: LinearShape, config: C): Readonly<Record<string, readonly number[]>>;
  /** Shapes of what stays frozen in a layer, without the bias. */
  frozen(size: LinearShape, config: C): Readonly<Record<string, readonly number[]>>;
  /** The frozen tensors of a layer from the base model's; default: those themselves. */
  freeze?(layer: Leaves, config: C, context: LayerContext): Leaves;
  /** In the place of `freeze` where layers depend on each other. */
  freezeAll?(layers: ReadonlyMap<string, Leaves>, config: C): ReadonlyMap<string, Leaves>;
  /** What a group starts to train in a layer; may be frozen tensors themselves. */
  fresh(frozen: Leaves, config: C, context: LayerContext & { readonly generator: Generator }): Leaves;
  /** The layer applied to a batch in segments, [N, T, in] to [N, T, out]. */
  apply(x: Tensor3D, frozen: Leaves, segments: readonly LayerSegment[], config: C): Tensor3D;
  /** The dense layer that samples with these trained tensors see; without them, the base model's. */
  merge(frozen: Leaves, trained: Leaves | undefined, config: C): LinearParams;
  /** Multiply-accumulates of a layer for one token with an adapter that is not merged. */
  macs(size: LinearShape, config: C): number;
  /** Multiply-accumulates once a group and forward pass, to form weights from the trained tensors (default 0). */
  formationMacs?(size: LinearShape, config: C): number;
};

/** A method whose trained tensors take the place of the base model's own, layer by layer or all. */
export type OverlayMethod<C> = MethodFacts<C> & {
  /** Told from {@link LayerMethod}. */
  readonly kind: 'overlay';
  /** The architecture that is trained; default the base's. */
  architecture?(dit: DitConfig, config: C): DitConfig;
  /** The model that training starts from, tensors of the base or new ones; default the base. */
  prepare?(base: ParamTree, config: C, context: { readonly dit: DitConfig; readonly generator: Generator }): ParamTree;
  /** Whether the tensor of that dotted name is trained; 'label.null' is the null label's row. */
  trains(name: string, config: C): boolean;
};

/** One row of the table of methods. */
export type AdapterMethod<C> = LayerMethod<C> | OverlayMethod<C>;
