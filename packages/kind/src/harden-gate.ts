import { disposeParams, type LowRankFactors, type ParamTree, prefetch, readingBack } from '@learngene/nn';
import * as tf from '@tensorflow/tfjs-core';
import { summed } from './apply-gated';
import { kindBatchPlan } from './batch-plan';
import { type AnyKindConfig, networkOf } from './config-types';
import { softGate } from './gate';
import { finished, type MixedTailors, mixedRows, narrowed, type TailorMixture, tidied } from './mix-tailors';
import { type AnyKindModel, layerTree, type NetworkParams, subTree, tailorsOf } from './params';
import { classNamesIn, type TailorGroup } from './tailor-groups';

/**
 * Makes a model with a binary gate of one with a soft gate: each class becomes a group of its own, with the tailors of all groups,
 * their s scaled by the gate's weights for the class. The gate reads nothing but the class, so every class and the null label
 * compute what they did. Tailors that were trained by the gate alone (`trainable: 'gate'`) so fit a bundle of the base, and
 * become a LoRA.
 *
 * Where the components are more than a layer is wide, they are re-factored exactly into as many as it is wide; then factors are
 * read back and decomposed in float64.
 *
 * @param model - never disposed; the tailors of all groups must be loaded.
 * @returns New tensors that the caller owns. Class i stays class i; its group has its name (`class i` where a group of several
 *   classes does not name them).
 * @throws on a binary gate, and on two classes of one name; `ReadBackError` on WebGPU where factors are read back
 */
export function hardenGate<M extends AnyKindModel>(model: M): M {
  const mixtures = mixturesOf(model);
  const hard = () => tidied(() => narrowed(model.config, weighed(model, mixtures)));
  return finished(binary(model), mixtures, readingBack('hardenGate', hard));
}

/** {@link hardenGate} on every engine. It waits until the factors are read back. */
export async function hardenGateAsync<M extends AnyKindModel>(model: M): Promise<M> {
  const mixtures = mixturesOf(model);
  const joined = tidied(() => weighed(model, mixtures));
  try {
    await prefetch(...Object.values(joined));
    return finished(
      binary(model),
      mixtures,
      tidied(() => narrowed(model.config, joined)),
    );
  } finally {
    for (const tailors of Object.values(joined)) disposeParams(tailors);
  }
}

function binary<M extends AnyKindModel>(model: M): M {
  return { ...model, config: { ...model.config, gate: 'binary' } };
}

/** Every class as the mixture that it is alone, in the order of the ids. */
function mixturesOf({ config }: AnyKindModel): TailorMixture[] {
  if (config.gate !== 'soft') throw new Error('model: expected a soft gate, got a binary gate');
  const namesIn = (group: TailorGroup) =>
    group.classNames === undefined && group.classes.length > 1
      ? group.classes.map((id) => `class ${id}`)
      : classNamesIn(group);
  const names = new Map(config.groups.flatMap((group) => group.classes.map((id, i) => [id, namesIn(group)[i]])));
  return [...names].sort(([a], [b]) => a - b).map(([id, name]) => ({ name, parts: [{ class: id, weight: 1 }] }));
}

/** The tailors of every class: those of all groups, weighed by the gate, and its rows. */
function weighed(model: AnyKindModel, mixtures: readonly TailorMixture[]): MixedTailors {
  const { config, params }: { config: AnyKindConfig; params: NetworkParams } = model;
  const ids = Int32Array.from(mixtures, ({ parts }) => parts[0].class);
  const { order, inverse, ...plan } = kindBatchPlan(ids, config);
  const classes = ids.slice();
  const alpha = softGate(params, { ...plan, classes, labels: classes }, config); // [classes, K]
  return Object.fromEntries(
    mixtures.map((mixture, n) => {
      const factors = layerTree(networkOf(config).layers, ({ name }) => {
        const own = config.groups.flatMap((group, k): LowRankFactors[] => {
          const part = subTree<LowRankFactors>(tailorsOf<ParamTree>(params, group.name), name);
          const weight = tf.reshape(tf.slice(alpha, [n, k], [1, 1]), []);
          return part ? [{ u: part.u, s: tf.mul<tf.Tensor1D>(part.s, weight), v: part.v }] : [];
        });
        if (own.length === 0) return undefined;
        const { u, s, v } = summed(own);
        return { u, s, v };
      });
      return [mixture.name, { ...factors, ...mixedRows(model, mixture) }];
    }),
  );
}
