import { applyKind, countKind, type KindModel, type KindParams } from '@learngene/kind';
import { cloneParams, disposeParams, type ParamTree } from '@learngene/nn';
import type { DiffusionProcess } from '@learngene/pipeline';
import * as tf from '@tensorflow/tfjs-core';
import type { DiffusionLearner } from '../contracts/diffusion';
import { batchObjective, readLosses } from '../objective/batch-objective';
import { disposeTree, freshTree, stepTree, type TreeState, treeFromState, treeToState } from './adamw-tree';

type Rows = Record<string, tf.Tensor2D>;

/** The params with other label rows of the groups. */
function withRows(params: KindParams, names: readonly string[], rows: ParamTree): KindParams {
  const tailors = names.map((name, i) => [
    name,
    { ...params.tailors[name], label: { rows: rows[`g${i}`] as tf.Tensor2D } },
  ]);
  return { ...params, tailors: Object.fromEntries(tailors) };
}

/**
 * A KIND model as a learner whose label rows alone are trained. A state holds only the rows; a learner that restores it
 * keeps its own other tensors.
 *
 * @param model Belongs to the learner.
 */
export function labelRowsLearner(
  { config, params }: KindModel,
  { process }: { process: DiffusionProcess },
): DiffusionLearner {
  const names = config.groups.map(({ name }) => name);
  const first: Rows = Object.fromEntries(names.map((name, i) => [`g${i}`, params.tailors[name].label.rows]));
  let state: TreeState = freshTree(cloneParams(first));
  const { hiddenSize, classes } = config.dit;
  const { macs, params: counts } = countKind(config);
  const own = { ...config, nullGate: 'own-class' } as const;
  const common = { ...config, nullGate: 'learngenes' } as const;
  const predict: DiffusionLearner['predict'] = (inputs, branch) => {
    const dropped = new Uint8Array(inputs.labels.length).fill(branch === 'class' ? 0 : 1);
    const seen = branch === 'class-agnostic' ? common : own;
    return tf.tidy(() => applyKind(withRows(params, names, state.ema), inputs, { config: seen, dropped }));
  };
  return {
    agnostic: true,
    counts: {
      trainable: classes * hiddenSize,
      macs: macs.total,
      bytesPerClass: 4 * (counts.tailorGroup + hiddenSize),
      parameters: counts.total,
    },
    async step(batch, options) {
      const { labels, dropped } = batch;
      const objective = batchObjective(process, batch);
      const result = stepTree(
        state,
        (rows) => {
          const now = withRows(params, names, rows);
          return objective.loss((x, t) => applyKind(now, { x, t, labels }, { config: own, dropped }));
        },
        options,
      );
      state = result.state;
      return objective.read(result.loss, result.gradientNorm);
    },
    evaluate: (batch) => readLosses(process, (x, t) => predict({ x, t, labels: batch.labels }, 'class'), batch),
    predict,
    state: () => treeToState(state),
    restore(saved) {
      const restored = treeFromState(saved, state);
      disposeTree(state);
      state = restored;
    },
    dispose() {
      disposeParams(params as unknown as ParamTree);
      disposeTree(state);
    },
  };
}
