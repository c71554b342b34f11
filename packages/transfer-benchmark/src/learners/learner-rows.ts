import {
  applyKind,
  countKind,
  disposeKindTraining,
  initKindTraining,
  type KindModel,
  type KindParams,
} from '@learngene/kind';
import {
  type AdamWState,
  cloneParams,
  disposeParams,
  initAdamW,
  type ParamTree,
  stepParameterGroups,
  valueAndGrad,
} from '@learngene/nn';
import * as tf from '@tensorflow/tfjs-core';
import type { Learner } from './learner';
import { meanLoss } from './process';

type Rows = Record<string, tf.Tensor2D>;

/** The params with other label rows of the groups. */
function withRows(params: KindParams, names: readonly string[], rows: ParamTree): KindParams {
  const tailors = names.map((name, i) => [
    name,
    { ...params.tailors[name], label: { rows: rows[`g${i}`] as tf.Tensor2D } },
  ]);
  return { ...params, tailors: Object.fromEntries(tailors) };
}

/** A KIND model of which the label rows alone are trained; the model is the learner's from now on. */
export function rowsLearner({ config, params }: KindModel): Learner {
  const names = config.groups.map(({ name }) => name);
  const first: Rows = Object.fromEntries(names.map((name, i) => [`g${i}`, params.tailors[name].label.rows]));
  let rows: ParamTree = cloneParams(first);
  let ema: ParamTree = cloneParams(first);
  let optimizer: AdamWState = initAdamW(rows);
  const { hiddenSize, classes } = config.dit;
  const { macs, params: counts } = countKind(config);
  const own = { ...config, nullGate: 'own-class' } as const;
  const common = { ...config, nullGate: 'learngenes' } as const;
  return {
    agnostic: true,
    counts: {
      trainable: classes * hiddenSize,
      macs: macs.total,
      bytesPerClass: 4 * (counts.tailorGroup + hiddenSize),
      parameters: counts.total,
    },
    async step({ labels, dropped, ...batch }, { learningRate, emaDecay, clipNorm }) {
      const { after, loss, norm } = tf.tidy(() => {
        const { value, grads } = valueAndGrad((tree: ParamTree) => {
          const now = withRows(params, names, tree);
          return meanLoss({ ...batch, labels }, (inputs) => applyKind(now, inputs, { config: own, dropped }));
        }, rows);
        const { groups, gradientNorm } = stepParameterGroups([{ params: rows, grads, state: optimizer, ema }], {
          learningRate,
          weightDecay: 0,
          emaDecay,
          clipNorm,
        });
        return { after: groups[0], loss: value, norm: gradientNorm };
      });
      disposeParams({ rows, ema, m: optimizer.m as ParamTree, v: optimizer.v as ParamTree });
      ({ params: rows, ema } = after);
      optimizer = after.state;
      const [[a], [b]] = await Promise.all([loss.data(), norm.data()]);
      tf.dispose([loss, norm]);
      return { loss: a, norm: b };
    },
    predict(inputs, branch) {
      const dropped = new Uint8Array(inputs.labels.length).fill(branch === 'class' ? 0 : 1);
      const seen = branch === 'class-agnostic' ? common : own;
      return tf.tidy(() => applyKind(withRows(params, names, ema), inputs, { config: seen, dropped }));
    },
    dispose() {
      disposeKindTraining(initKindTraining(params, { trainable: 'tailors' }));
      disposeParams({ rows, ema, m: optimizer.m as ParamTree, v: optimizer.v as ParamTree });
    },
  };
}
