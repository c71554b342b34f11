import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { withNeededGrads } from './core/needs-input-grad';
import { recordTape, type TapeNode, tapeEngine } from './core/tape';
import { registerGradients } from './gradients';
import { runKernel } from './ops/custom-op';

/**
 * Computes gradients as `tf.engine().gradients` does, but frees memory on the way back. As soon as an op is done, the
 * tensors that it saved and the gradients of its outputs are disposed, so a backend with a pool of buffers writes to
 * the same cached memory again. The function of tfjs keeps all of them to the end.
 *
 * @returns The value and the gradient of every leaf, undefined where the value does not depend on it.
 * @throws Error if the value depends on no leaf, or an op has no gradient; nothing is leaked then.
 */
export function gradients<T extends Tensor>(
  f: () => T,
  leaves: readonly Tensor[],
): { value: T; grads: (Tensor | undefined)[] } {
  registerGradients();
  const engine = tapeEngine();
  if (engine.state.gradientDepth > 0) return tf.engine().gradients(f, [...leaves]);
  let value: T | undefined;
  try {
    value = recordTape(f);
    const path = pathBack(engine.state.activeTape, leaves, value);
    if (path.length === 0 && leaves.length > 0) {
      throw new Error('Cannot compute gradient: the value depends on none of the leaves');
    }
    return { value, grads: walkBack(path, value, leaves) };
  } catch (error) {
    value?.dispose();
    throw error;
  } finally {
    for (const { saved } of engine.state.activeTape) for (const tensor of saved ?? []) tensor.dispose();
    engine.state.activeTape = [];
  }
}

/** An op between leaves and value, and those of its inputs that depend on a leaf. */
interface PathNode {
  readonly node: TapeNode;
  readonly names: readonly string[];
}

/** The ops between leaves and value, the last one first. */
function pathBack(tape: readonly TapeNode[], leaves: readonly Tensor[], value: Tensor): PathNode[] {
  const dependent = new Set<number>();
  for (const { id } of leaves) dependent.add(id);
  const forward: PathNode[] = [];
  for (const node of tape) {
    const names: string[] = [];
    for (const name in node.inputs) if (dependent.has(node.inputs[name].id)) names.push(name);
    if (names.length === 0) continue;
    for (const { id } of node.outputs) dependent.add(id);
    forward.push({ node, names });
  }
  const needed = new Set([value.id]);
  const path: PathNode[] = [];
  for (let i = forward.length - 1; i >= 0; i--) {
    const { node, names } = forward[i];
    if (!node.outputs.some(({ id }) => needed.has(id))) continue;
    for (const name of names) needed.add(node.inputs[name].id);
    path.push(forward[i]);
  }
  return path;
}

function walkBack(path: readonly PathNode[], value: Tensor, leaves: readonly Tensor[]): (Tensor | undefined)[] {
  const kept = new Set<number>();
  for (const { id } of leaves) kept.add(id);
  const held = new Map<number, Tensor>([[value.id, tf.ones(value.shape)]]);
  try {
    for (const { node, names } of path) {
      const dxs = inputGradients(node, names, held);
      for (const { id } of node.outputs) if (!kept.has(id)) release(held, id);
      for (const tensor of node.saved ?? []) tensor.dispose();
      for (const [i, name] of names.entries()) accumulate(held, node.inputs[name], dxs[i]);
    }
    return leaves.map(({ id }) => held.get(id));
  } catch (error) {
    tf.dispose([...held.values()]);
    throw error;
  } finally {
    for (const [id, tensor] of held) if (!kept.has(id)) tensor.dispose();
  }
}

/** The gradients of the inputs `names` of an op, tensors of their own. */
function inputGradients(node: TapeNode, names: readonly string[], held: Map<number, Tensor>): Tensor[] {
  const { kernelName, inputs, outputs, gradient, ownGradient } = node;
  if (!gradient) throw new Error(`Cannot compute gradient: gradient function not found for ${kernelName}.`);
  const dys = outputs.map(({ id }) => held.get(id) ?? null);
  return tf.tidy(() => {
    const grads = withNeededGrads(names, () => (ownGradient && dys[0] ? ownGradient(dys[0]) : gradient(dys)));
    const taken = new Set<Tensor | null>(dys);
    return names.map((name) => {
      const grad = grads[name];
      const dx = typeof grad === 'function' ? tf.tidy(grad) : grad;
      const { shape } = inputs[name];
      if (!tf.util.arraysEqual(dx.shape, shape)) {
        throw new Error(`gradient of ${kernelName} in ${name}: expected [${shape}], got [${dx.shape}]`);
      }
      const own = taken.has(dx) ? tf.clone(dx) : dx; // some functions hand out dy itself, or one tensor twice
      taken.add(dx);
      return own;
    });
  });
}

function accumulate(held: Map<number, Tensor>, { id }: Tensor, dx: Tensor): void {
  const sum = held.get(id);
  held.set(id, sum ? runKernel('Add', { a: sum, b: dx })[0] : dx);
  if (!sum) return;
  sum.dispose();
  dx.dispose();
}

function release(held: Map<number, Tensor>, id: number): void {
  held.get(id)?.dispose();
  held.delete(id);
}
