import type { Scalar } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { gradients } from './backprop';
import { cloneParams, disposeParams, mapParams, type ParamTree, paramLeaves, replaceLeaves } from './tree';

/** What {@link valueAndGrad} returns. */
export type ValueAndGrad<P extends ParamTree> = Readonly<{
  /** The loss, a float32 scalar. */
  value: Scalar;
  /** d value / d params, a tree of the parameters' shape; zeros for a leaf that the loss does not depend on. */
  grads: P;
}>;

/** What {@link valueAndGradWithAux} returns. */
export type ValueAndGradWithAux<P extends ParamTree, A extends ParamTree> = ValueAndGrad<P> & {
  /** The auxiliary tensors that the loss function returned (no gradient flows from them). */
  readonly aux: A;
};

/**
 * The value of a scalar function of a parameter tree and its gradient with respect to every leaf.
 *
 * @param f Loss; must be synchronous and build its result with tfjs ops. Gradients of gradients are not supported.
 * @param params float32 leaves; not disposed.
 * @returns Value and gradients; the caller owns both.
 * @throws Error if `f` does not return a float32 scalar, or if the scalar depends on no leaf.
 */
export function valueAndGrad<P extends ParamTree>(f: (params: P) => Scalar, params: P): ValueAndGrad<P> {
  const leaves = paramLeaves(params);
  const { value, grads } = gradients(() => {
    const loss = f(params);
    if (loss.rank !== 0) throw new Error(`loss: expected a scalar, got [${loss.shape.join(', ')}]`);
    return loss;
  }, leaves);
  const whole = leaves.map((tensor, i) => grads[i] ?? tf.zerosLike(tensor));
  return { value, grads: replaceLeaves(params, whole) };
}

/**
 * {@link valueAndGrad} of a function that also returns other tensors, for example the loss of each sample.
 *
 * @param f Returns the scalar loss and a tree of auxiliary tensors.
 * @returns Value, gradients and auxiliary tensors; the caller owns all.
 */
export function valueAndGradWithAux<P extends ParamTree, A extends ParamTree>(
  f: (params: P) => { value: Scalar; aux: A },
  params: P,
): ValueAndGradWithAux<P, A> {
  // The tape's scope would dispose what is not the loss: hold clones until the gradients are done.
  let held: A | undefined;
  try {
    const result = valueAndGrad((p: P) => {
      const { value, aux } = f(p);
      held = mapParams((tensor) => tf.keep(tf.clone(tensor)), aux);
      return value;
    }, params);
    return { ...result, aux: cloneParams(held as unknown as A) };
  } finally {
    if (held) disposeParams(held);
  }
}
