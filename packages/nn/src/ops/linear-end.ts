import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './custom-op';
import { gatedResidual } from './gated-residual';
import { gelu } from './gelu';

/** x + gate y after a layer y: the end of a branch of an adaLN-Zero block (Peebles & Xie 2023). */
export type ResidualEnd = {
  /** float32 [N, T, D], the residual stream. */
  readonly x: Tensor3D;
  /** float32 [N, D], one factor a sample and channel. */
  readonly gate: Tensor2D;
};

/** What follows a linear layer at once, so that a layer with a kernel of its own may do it too. */
export type LinearEnd = 'gelu' | ResidualEnd;

/**
 * What follows a layer, as an op of its own.
 *
 * @param y float32 [N, T, D], the layer's result.
 * @returns [N, T, D], the GELU of y or x + gate y; the caller owns it.
 */
export function applyLinearEnd(y: Tensor3D, end: LinearEnd): Tensor3D {
  return end === 'gelu' ? gelu(y) : gatedResidual(end.x, end.gate, y);
}

/** Whether the backend has the gradients of both ends, as {@link linearEndGrads} needs them. */
export function hasLinearEndGrads(): boolean {
  return hasKernel('LearngeneGeluGrad') && hasKernel('LearngeneGatedResidualGrad');
}

/** Gradients of {@link applyLinearEnd}, off the tape. */
export interface LinearEndGrads {
  /** Of the layer's result, [N, T, D]. */
  readonly y: Tensor;
  /** Of the gate, [N, D]; that of x is dy itself. */
  readonly gate?: Tensor;
}

/** The gradients of what follows a layer, from the layer's result before it; a backend's kernels, off the tape. */
export function linearEndGrads(
  dy: Tensor,
  { y, gate }: { readonly y: Tensor; readonly gate?: Tensor },
): LinearEndGrads {
  if (!gate) return { y: runKernel('LearngeneGeluGrad', { dy, x: y })[0] };
  const [dgate, branch] = runKernel('LearngeneGatedResidualGrad', { dy, gate, y });
  return { y: branch, gate: dgate };
}
