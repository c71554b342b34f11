import type { NamedTensorMap, Tensor, Tensor3D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import { needsInputGrad } from '../core/needs-input-grad';
import { hasKernel, runKernel, stateInputs } from './custom-op';
import { callOf, type GroupedLowRank, groupedLowRank } from './grouped-low-rank';

const FORWARD = 'LearngeneGroupedLowRankTogether';
const BACKWARD = 'LearngeneGroupedLowRankTogetherGrad';

/** The engine's method for ops of several outputs; TypeScript calls it private, tfjs-core 4 has it under this name. */
interface ManyOutputsEngine {
  runKernelFunc(params: {
    inputs: NamedTensorMap;
    forwardFunc: (backend: unknown, save: (tensors: Tensor[]) => void) => Tensor[];
    backwardsFunc: (dys: Tensor[], saved: Tensor[]) => Record<string, () => Tensor>;
  }): Tensor[];
}

/** A layer of {@link groupedLowRankTogether}. */
export type TogetherLayer = Pick<GroupedLowRank, 'common' | 'segments'>;

/**
 * Several `groupedLowRank` layers of one x, such as the queries, keys and values of an attention. Where the backend has
 * the kernels, and the layers have the same segments, they are one op: x is read once, and the gradient of x is summed
 * inside. Elsewhere they are so many ops.
 *
 * The two kernels take the inputs of `groupedLowRank`, the names of layer i with `_i` behind them, and the attributes
 * `layers`, `starts` and `ends`:
 * - 'LearngeneGroupedLowRankTogether' returns the results of all layers, then their hidden rows.
 * - 'LearngeneGroupedLowRankTogetherGrad' also takes dy0, dy1, ... and the hidden rows as state0, state1, ... It returns the
 *   gradient of x, then those of u, s and v of all layers (not where its attribute `common` is false), of the biases, and
 *   of the segments' factors, layer by layer.
 *
 * @param x float32 [N, T, in].
 * @returns [N, T, out] of every layer; the caller owns them.
 * @throws Error if shapes do not go together, segments overlap, or a layer has no factors at all.
 */
export function groupedLowRankTogether(x: Tensor3D, layers: readonly TogetherLayer[]): Tensor3D[] {
  const fused = hasKernel(FORWARD) && hasKernel(BACKWARD) && layers.length > 1 && areAlike(layers);
  if (!fused) return layers.map(({ common, segments }) => groupedLowRank(x, { common, segments }));
  return tf.tidy(() => {
    const calls = layers.map((layer) => callOf(x, layer, true));
    const inputs: NamedTensorMap = { x };
    for (const [i, call] of calls.entries()) {
      for (const [name, tensor] of Object.entries(call.inputs)) if (name !== 'x') inputs[`${name}_${i}`] = tensor;
    }
    const names = Object.keys(inputs);
    const attrs = { ...calls[0].attrs, layers: layers.length };
    const engine = tf.engine() as unknown as ManyOutputsEngine;
    return engine.runKernelFunc({
      inputs,
      forwardFunc: (_backend, save) => {
        const outputs = runKernel(FORWARD, inputs, attrs);
        save([...Object.values(inputs), ...outputs.slice(layers.length)]);
        return outputs.slice(0, layers.length);
      },
      backwardsFunc: (dys, saved) => {
        const held: NamedTensorMap = Object.fromEntries(names.map((name, i) => [name, saved[i]]));
        const gradients = Object.fromEntries(dys.map((dy, i) => [`dy${i}`, dy]));
        const common = layers.some((_, i) => ['u', 's', 'v'].some((name) => needsInputGrad(`${name}_${i}`)));
        const state = stateInputs(saved.slice(names.length));
        const grads = runKernel(BACKWARD, { ...gradients, ...held, ...state }, { ...attrs, common });
        return Object.fromEntries(gradientNames(names, common).map((name, i) => [name, () => grads[i]]));
      },
    }) as Tensor3D[];
  });
}

/** Whether the layers have the same segments, and all common factors or none, all biases or none. */
function areAlike([first, ...others]: readonly TogetherLayer[]): boolean {
  return others.every(
    ({ common, segments }) =>
      (common === undefined) === (first.common === undefined) &&
      (common?.bias === undefined) === (first.common?.bias === undefined) &&
      segments.length === first.segments.length &&
      segments.every(({ start, end }, i) => start === first.segments[i].start && end === first.segments[i].end),
  );
}

/** The inputs in the order in which the kernel returns their gradients. */
function gradientNames(names: readonly string[], common: boolean): string[] {
  const factors = names.filter((name) => /^[usv]_/.test(name));
  const biases = names.filter((name) => name.startsWith('bias_'));
  const own = names.filter((name) => /^[usv]\d/.test(name));
  return ['x', ...(common ? factors : []), ...biases, ...own];
}
