import type { NamedTensorMap, Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { withNeededGrads } from './core/needs-input-grad';
import { registerGradients } from './gradients';

/** An op on the tape of tfjs-core 4. */
interface TapeNode {
  readonly kernelName: string;
  readonly inputs: NamedTensorMap;
  readonly outputs: Tensor[];
  readonly saved?: Tensor[];
  readonly gradient?: (dys: (Tensor | null)[]) => Record<string, () => Tensor>;
}

/** The part of the engine of tfjs-core 4 that its types declare private. */
interface TapeEngine {
  readonly state: { activeTape: TapeNode[]; gradientDepth: number };
  startTape(): void;
  endTape(): void;
}

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
  const engine = tf.engine() as unknown as TapeEngine;
  if (engine.state.gradientDepth > 0) return tf.engine().gradients(f, [...leaves]);
  let value: T | undefined;
  try {
    value = record(engine, f);
    const path = pathBetween(engine.state.activeTape, leaves, value);
    if (path.length === 0 && leaves.length > 0) {
      throw new Error('Cannot compute gradient: the value depends on none of the leaves');
    }
    return { value, grads: walkBack(path, value, leaves) };
  } catch (error) {
    value?.dispose();
    throw error;
  } finally {
    for (const { saved } of engine.state.activeTape) tf.dispose(saved ?? []);
    engine.state.activeTape = [];
  }
}

function record<T extends Tensor>(engine: TapeEngine, f: () => T): T {
  engine.startTape();
  try {
    return tf.tidy(f);
  } finally {
    engine.endTape();
  }
}

/** The ops between leaves and value in the order they ran, each with only those inputs that depend on a leaf. */
function pathBetween(tape: readonly TapeNode[], leaves: readonly Tensor[], value: Tensor): TapeNode[] {
  const dependent = new Set(leaves.map(({ id }) => id));
  const forward = tape.filter(({ inputs, outputs }) => {
    const depends = Object.values(inputs).some(({ id }) => dependent.has(id));
    if (depends) for (const { id } of outputs) dependent.add(id);
    return depends;
  });
  const needed = new Set([value.id]);
  const path: TapeNode[] = [];
  for (const node of forward.reverse()) {
    if (!node.outputs.some(({ id }) => needed.has(id))) continue;
    const inputs = Object.fromEntries(Object.entries(node.inputs).filter(([, { id }]) => dependent.has(id)));
    for (const { id } of Object.values(inputs)) needed.add(id);
    path.push({ ...node, inputs });
  }
  return path.reverse();
}

function walkBack(path: readonly TapeNode[], value: Tensor, leaves: readonly Tensor[]): (Tensor | undefined)[] {
  const kept = new Set(leaves.map(({ id }) => id));
  const held = new Map<number, Tensor>([[value.id, tf.ones(value.shape)]]);
  try {
    for (const node of [...path].reverse()) {
      const dxs = inputGradients(node, held);
      for (const { id } of node.outputs) if (!kept.has(id)) release(held, id);
      tf.dispose(node.saved ?? []);
      for (const [name, dx] of Object.entries(dxs)) accumulate(held, node.inputs[name], dx);
    }
    return leaves.map(({ id }) => held.get(id));
  } catch (error) {
    tf.dispose([...held.values()]);
    throw error;
  } finally {
    for (const [id, tensor] of held) if (!kept.has(id)) tensor.dispose();
  }
}

/** The gradients of an op's inputs, tensors of their own. */
function inputGradients(
  { kernelName, inputs, outputs, gradient }: TapeNode,
  held: Map<number, Tensor>,
): NamedTensorMap {
  if (!gradient) throw new Error(`Cannot compute gradient: gradient function not found for ${kernelName}.`);
  const dys = outputs.map(({ id }) => held.get(id) ?? null);
  return tf.tidy(() => {
    const functions = withNeededGrads(Object.keys(inputs), () => gradient(dys));
    const taken = new Set<Tensor | null>(dys);
    const dxs: NamedTensorMap = {};
    for (const [name, { shape }] of Object.entries(inputs)) {
      const dx = tf.tidy(functions[name]);
      if (!tf.util.arraysEqual(dx.shape, shape)) {
        throw new Error(`gradient of ${kernelName} in ${name}: expected [${shape}], got [${dx.shape}]`);
      }
      dxs[name] = taken.has(dx) ? tf.clone(dx) : dx; // some functions hand out dy itself, or one tensor twice
      taken.add(dx);
    }
    return dxs;
  });
}

function accumulate(held: Map<number, Tensor>, { id }: Tensor, dx: Tensor): void {
  const sum = held.get(id);
  held.set(id, sum ? tf.add(sum, dx) : dx);
  if (sum) tf.dispose([sum, dx]);
}

function release(held: Map<number, Tensor>, id: number): void {
  held.get(id)?.dispose();
  held.delete(id);
}
