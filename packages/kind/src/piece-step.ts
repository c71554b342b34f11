import {
  type AdamWEmaOptions,
  type AdamWState,
  adamWEmaStep,
  flattenParams,
  mapParams,
  type ParamTree,
} from '@learngene/nn';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import type { Piece } from './trainable';

/** Gradients and state of one piece. */
interface PieceGradients {
  readonly grads: ParamTree;
  readonly state: AdamWState;
  readonly ema: ParamTree;
  /** Global norm of the gradients of all pieces. */
  readonly norm: Scalar;
}

/** A piece after its step. */
interface SteppedPiece {
  readonly tree: ParamTree;
  readonly state: AdamWState;
  readonly ema: ParamTree;
}

/**
 * Clipping, AdamW and the moving average of one piece. Weight decay is for the dense matrices of the shared parts alone:
 * decaying factors would shrink components by the product of three decays, and label rows and biases are not decayed by
 * DiT's kind of recipe either.
 */
export function stepPiece(
  { key, tree }: Piece,
  { grads, state, ema, norm }: PieceGradients,
  { weightDecay = 0, ...options }: AdamWEmaOptions,
): SteppedPiece {
  if (key !== 'shared' || weightDecay === 0) {
    const result = adamWEmaStep({ params: tree, grads, state, ema, norm }, { ...options, weightDecay: 0 });
    return { tree: result.params, state: result.state, ema: result.ema };
  }
  const isMatrix = (name: string) => name.endsWith('.weight');
  const results = [true, false].map((decayed) => {
    const part = (whole: ParamTree) =>
      Object.fromEntries([...flattenParams(whole)].filter(([name]) => isMatrix(name) === decayed));
    const partState = { step: state.step, m: part(state.m), v: part(state.v) };
    const inputs = { params: part(tree), grads: part(grads), state: partState, ema: part(ema), norm };
    return adamWEmaStep<Record<string, Tensor>>(inputs, { ...options, weightDecay: decayed ? weightDecay : 0 });
  });
  const [matrices, others] = results;
  return {
    tree: joined(tree, matrices.params, others.params),
    state: {
      step: matrices.state.step,
      m: joined(tree, matrices.state.m, others.state.m),
      v: joined(tree, matrices.state.v, others.state.v),
    },
    ema: joined(tree, matrices.ema, others.ema),
  };
}

/** A tree of the template's structure from leaves by dotted name. */
function joined(template: ParamTree, ...parts: readonly Readonly<Record<string, Tensor>>[]): ParamTree {
  const leaves = Object.assign({}, ...parts) as Record<string, Tensor>;
  return mapParams((_, name) => leaves[name], template);
}
