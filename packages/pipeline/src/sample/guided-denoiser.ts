import { type Denoiser, guideDenoiser } from '@learngene/diffusion';
import { applyDit } from '@learngene/dit';
import { applyKind, type DenseModel, type KindModel } from '@learngene/kind';

/** A model that images are sampled from: learngenes with tailors, or a dense DiT. */
export type DiffusionModel = KindModel | DenseModel;

/** Whether a model has learngenes and tailors. */
export function isKindModel(model: DiffusionModel): model is KindModel {
  return 'dit' in model.config;
}

/** The shape of the images or latents that a model denoises. */
export function imageShape(model: DiffusionModel): [height: number, width: number, channels: number] {
  const { inputSize, inChannels } = isKindModel(model) ? model.config.dit : model.config;
  return [inputSize, inputSize, inChannels];
}

/**
 * The network of a batch of labels with classifier-free guidance against the null label; a scale of 1 evaluates the labels
 * alone. With the null gate 'own-class' a sample without a label keeps the tailors of its class.
 *
 * @param labels - [N], class ids of the model.
 */
export function guidedDenoiser(model: DiffusionModel, labels: Int32Array, scale: number): Denoiser {
  return isKindModel(model) ? guidedKind(model, labels, scale) : guidedDense(model, labels, scale);
}

function guidedDense({ params, config }: DenseModel, labels: Int32Array, scale: number): Denoiser {
  const doubled = Int32Array.from([...labels, ...nullLabels(labels.length, config.classes)]);
  const conditional: Denoiser = (x, t) => applyDit(params, { x, t, labels }, { config });
  const batched: Denoiser = (x, t) => applyDit(params, { x, t, labels: doubled }, { config });
  return guideDenoiser({ batched, conditional }, { scale });
}

function guidedKind({ params, config }: KindModel, labels: Int32Array, scale: number): Denoiser {
  const count = labels.length;
  const ownClass = config.nullGate === 'own-class';
  const doubled = Int32Array.from([...labels, ...(ownClass ? labels : nullLabels(count, config.dit.classes))]);
  const dropped = ownClass ? doubled.map((_, i) => (i < count ? 0 : 1)) : undefined;
  const conditional: Denoiser = (x, t) => applyKind(params, { x, t, labels }, { config });
  const batched: Denoiser = (x, t) => applyKind(params, { x, t, labels: doubled }, { config, dropped });
  return guideDenoiser({ batched, conditional }, { scale });
}

/** The null label is the id after the last class. */
function nullLabels(count: number, classes: number): Int32Array {
  return new Int32Array(count).fill(classes);
}
