import {
  type AdaptedModel,
  adapterMethods,
  adapterTrainStep,
  applyAdapted,
  countAdapted,
  disposeAdapterTraining,
  disposeReplacedAdapters,
  initAdapterTraining,
} from '@learngene/adapters';
import { countDitParams } from '@learngene/dit';
import { dispose, tidy } from '@tensorflow/tfjs-core';
import type { Learner } from './learner';
import { meanLoss } from './process';

/**
 * Wraps an adapted model as a learner; the model is its own from now on.
 *
 * @param agnostic - whether the model without adapters is a model: not so where it was never trained
 */
export function adapterLearner(model: AdaptedModel, { agnostic }: { agnostic: boolean }): Learner {
  let state = initAdapterTraining(model);
  const { trainable, frozen, macs, mergedMacs, bytesPerGroup } = countAdapted(model.config);
  // What an overlay hides is not deployed: the model is a plain DiT.
  const overlay = adapterMethods[model.config.adapter.method].kind === 'overlay';
  const branch = (nullGate: 'base' | 'own-class'): AdaptedModel['config'] => ({ ...model.config, nullGate });
  const within = branch('own-class');
  const without = branch('base');
  return {
    agnostic,
    counts: {
      trainable,
      macs: Math.min(macs, mergedMacs),
      bytesPerClass: bytesPerGroup,
      parameters: overlay ? countDitParams(model.config.dit).trainable : frozen + trainable,
    },
    async step({ labels, dropped, ...batch }, { learningRate, emaDecay, clipNorm }) {
      const result = adapterTrainStep(
        {
          state,
          labels,
          dropped,
          loss: (denoiser) => meanLoss({ ...batch, labels }, ({ x, t }) => denoiser(x, t)),
        },
        { learningRate, emaDecay, clipNorm, weightDecay: 0 },
      );
      const [[loss], [norm]] = await Promise.all([result.loss.data(), result.gradientNorm.data()]);
      dispose([result.loss, result.gradientNorm]);
      disposeReplacedAdapters(state, result.state);
      state = result.state;
      return { loss, norm };
    },
    predict({ x, t, labels }, wanted) {
      const dropped = new Uint8Array(labels.length).fill(wanted === 'class' ? 0 : 1);
      const config = wanted === 'class-agnostic' ? without : within;
      const { frozen: base } = state.model;
      return tidy(() => applyAdapted({ config, frozen: base, adapters: state.ema }, { x, t, labels }, { dropped }));
    },
    dispose: () => disposeAdapterTraining(state),
  };
}
