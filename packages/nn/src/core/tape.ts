import type { NamedTensorMap, Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';

/** An op on the tape of tfjs-core 4. */
export interface TapeNode {
  readonly id: number;
  readonly kernelName: string;
  readonly inputs: NamedTensorMap;
  readonly outputs: Tensor[];
  /** Tensors that are disposed when the gradient of the op is done. */
  readonly saved?: Tensor[];
  readonly gradient?: (dys: (Tensor | null)[]) => Record<string, () => Tensor>;
  /** As `gradient`, of ops recorded here: gradients that are there already are given as tensors. */
  readonly ownGradient?: (dy: Tensor) => Readonly<Record<string, Gradient>>;
}

/** The gradient of an input, or what computes it. */
export type Gradient = Tensor | (() => Tensor);

/** The part of the engine of tfjs-core 4 that its types declare private. */
export interface TapeEngine {
  readonly state: {
    activeTape: TapeNode[];
    gradientDepth: number;
    kernelDepth: number;
    nextTapeNodeId: number;
    readonly profiling: boolean;
  };
  startTape(): void;
  endTape(): void;
  isTapeOn(): boolean;
  nextTensorId(): number;
}

/** The engine of tfjs, with what records gradients. */
export function tapeEngine(): TapeEngine {
  return tf.engine() as unknown as TapeEngine;
}

/** Tensors of a larger id were made since {@link recordTape} began; undefined where it does not record. */
let firstId: number | undefined;

/** Records the ops of `f` on the tape, in a scope. */
export function recordTape<T extends Tensor>(f: () => T): T {
  const engine = tapeEngine();
  engine.startTape();
  firstId = engine.nextTensorId();
  try {
    return tf.tidy(f);
  } finally {
    firstId = undefined;
    engine.endTape();
  }
}

/** Whether ops are recorded by {@link recordTape}, and not by a `tf.grads` inside it or elsewhere. */
export function recordsHere(): boolean {
  return firstId !== undefined && tapeEngine().state.gradientDepth === 1;
}

/** What {@link recordOp} records. */
export interface TapedOp {
  readonly inputs: NamedTensorMap;
  /** Computes the result off the tape, in a scope of its own; `save` is called at most once. */
  readonly forward: (save: (tensors: Tensor[]) => void) => Tensor;
  readonly backward: (dy: Tensor, saved: Tensor[]) => Readonly<Record<string, Gradient>>;
}

/**
 * Runs an op and puts it on the tape. tfjs clones every tensor that an op saves, which costs as much as a small kernel.
 * Here only tensors of the recorded function are cloned: those from before it (parameters, data) outlive it, and those that
 * the op made itself are nobody else's.
 */
export function recordOp({ inputs, forward, backward }: TapedOp): Tensor {
  const engine = tapeEngine();
  const { state } = engine;
  const ownFrom = engine.nextTensorId();
  let saved: Tensor[] = [];
  const owned: Tensor[] = [];
  const hold = (tensor: Tensor, result: Tensor): Tensor => {
    if (tensor.id < firstId!) return tensor;
    const held = tf.keep(tensor.id > ownFrom && tensor !== result ? tensor : sameValues(tensor));
    owned.push(held);
    return held;
  };
  state.kernelDepth++;
  let result: Tensor;
  try {
    result = tf.tidy(() => {
      const y = forward((tensors) => (saved = tensors));
      saved = saved.map((tensor) => hold(tensor, y));
      return y;
    });
  } finally {
    state.kernelDepth--;
  }
  const ownGradient = (dy: Tensor) => backward(dy, saved);
  const id = state.nextTapeNodeId++;
  state.activeTape.push({ id, kernelName: 'an op', inputs, outputs: [result], saved: owned, ownGradient, gradient });
  return result;

  /** For a `tf.grads` inside the recorded function, which wants functions. */
  function gradient([dy]: (Tensor | null)[]): Record<string, () => Tensor> {
    return asFunctions(ownGradient(dy ?? tf.zerosLike(result)));
  }
}

/** Gradients as tfjs takes them: one function an input. */
export function asFunctions(grads: Readonly<Record<string, Gradient>>): Record<string, () => Tensor> {
  return Object.fromEntries(
    Object.entries(grads).map(([name, grad]) => [name, typeof grad === 'function' ? grad : () => grad]),
  );
}

/** `tf.clone`, off the tape and without a kernel's bookkeeping. */
function sameValues<T extends Tensor>(tensor: T): T {
  const engine = tf.engine();
  const { backend } = engine.state.tensorInfo.get(tensor.dataId)!;
  backend.incRef(tensor.dataId);
  return engine.makeTensorFromTensorInfo(tensor, backend) as T;
}
