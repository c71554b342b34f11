import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './custom-op';
import { gatedResidual } from './gated-residual';
import { gelu } from './gelu';

/** x + gate y after a layer y: the last operation of a branch of an adaLN-Zero block (Peebles & Xie 2023). */
export interface ResidualEpilogue {
  /** float32 [N, T, D], the residual stream. */
  readonly x: Tensor3D;
  /** float32 [N, D], one factor a sample and channel. */
  readonly gate: Tensor2D;
}

/** The operation right after a linear layer. A kernel of the layer can fuse it. */
export type Epilogue = 'gelu' | ResidualEpilogue;

/**
 * The epilogue of a layer, as an op of its own.
 *
 * @param y float32 [N, T, D], the layer's result.
 * @param epilogue None: y itself is returned.
 * @returns [N, T, D], the GELU of y or x + gate y; the caller owns it.
 */
export function applyEpilogue(y: Tensor3D, epilogue: Epilogue | undefined): Tensor3D {
  if (epilogue === undefined) return y;
  return epilogue === 'gelu' ? gelu(y) : gatedResidual(epilogue.x, epilogue.gate, y);
}

/** Whether the backend has the gradients of both epilogues, as {@link epilogueGrads} needs them. */
export function hasEpilogueGrads(): boolean {
  return hasKernel('LearngeneGeluGrad') && hasKernel('LearngeneGatedResidualGrad');
}

/** Gradients of {@link applyEpilogue}, off the tape. */
export interface EpilogueGrads {
  /** Of the layer's result, [N, T, D]. */
  readonly y: Tensor;
  /** Of the gate, [N, D]; that of x is dy itself. */
  readonly gate?: Tensor;
}

/**
 * The gradients of an epilogue, from the result of the layer before it, by the kernels of the backend. Call it off the
 * tape.
 */
export function epilogueGrads(dy: Tensor, { y, gate }: { readonly y: Tensor; readonly gate?: Tensor }): EpilogueGrads {
  if (!gate) return { y: runKernel('LearngeneGeluGrad', { dy, x: y })[0] };
  const [dgate, branch] = runKernel('LearngeneGatedResidualGrad', { dy, gate, y });
  return { y: branch, gate: dgate };
}
