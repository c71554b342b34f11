import * as tf from '@tensorflow/tfjs-core';

/** The state of a learner, made at its first use. */
export interface HeldState<S> {
  /** The present state. */
  get(): S;
  /** The present state, or undefined where none was made yet. */
  peek(): S | undefined;
  /** Puts the next state in its place; the caller disposes what it replaces. */
  set(state: S): void;
  /** Puts a state in its place and disposes the former one. */
  replace(state: S): void;
  /** Disposes the present state. */
  dispose(): void;
}

/**
 * Holds a state that `start` makes at its first use. A learner that is restored from a checkpoint before never makes its
 * start: for a large model it costs as much memory as the state that replaces it.
 *
 * @param start The state before the first step, or what makes it.
 * @param dispose Disposes every tensor of a state.
 */
export function heldState<S extends object>(start: S | (() => S), dispose: (state: S) => void): HeldState<S> {
  let held: S | undefined = typeof start === 'function' ? undefined : start;
  return {
    get() {
      if (held === undefined) {
        held = (start as () => S)();
        // The first use may be inside a tidy, which would dispose what is made there.
        for (const tensor of tf.tensor_util.getTensorsInContainer(held as never)) tf.keep(tensor);
      }
      return held;
    },
    peek: () => held,
    set(state) {
      held = state;
    },
    replace(state) {
      if (held) dispose(held);
      held = state;
    },
    dispose() {
      if (held) dispose(held);
    },
  };
}
