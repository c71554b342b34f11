import { disposeParams, paramsFromTensorData } from '@learngene/nn';
import { toFloat32 } from '@learngene/tensor-io';
import * as tf from '@tensorflow/tfjs-core';
import { type AdaptedModel, type AdapterParams, adapterOf } from '../model';
import type { DecodedAdapter } from './decode';

/**
 * Replaces the adapters of some groups by decoded ones. The model must come from `attachAdapters` with the same base
 * model, architecture and method, because that function makes the frozen tensors from the base (PiSSA's residual,
 * SVDiff's singular vectors).
 *
 * @param model - consumed: adapters that are replaced are disposed, and all other tensors move to the result.
 * @param decoded - adapters by group name. Where one has no label rows, the model keeps its own.
 * @returns a model that the caller owns.
 * @throws on an unknown group, another method or settings, and another number of classes, before anything is changed
 */
export function withDecodedAdapters(
  model: AdaptedModel,
  decoded: Readonly<Record<string, DecodedAdapter>>,
): AdaptedModel {
  const wanted = sortedJson(model.config.adapter);
  for (const [name, { adapter, labelRows }] of Object.entries(decoded)) {
    const { rows } = adapterOf(model.adapters, name).label;
    if (sortedJson(adapter) !== wanted) throw new Error(`adapter: expected ${wanted}, got ${sortedJson(adapter)}`);
    if (labelRows && labelRows.shape[0] !== rows.shape[0]) {
      throw new Error(`label rows of '${name}': expected ${rows.shape[0]} classes, got ${labelRows.shape[0]}`);
    }
  }
  const adapters: Record<string, AdapterParams> = { ...model.adapters };
  for (const [name, { layers, labelRows }] of Object.entries(decoded)) {
    const before = adapters[name];
    disposeParams(before.layers);
    if (labelRows) before.label.rows.dispose();
    const rows = labelRows
      ? tf.tensor2d(toFloat32(labelRows).slice(), labelRows.shape as [number, number])
      : before.label.rows;
    adapters[name] = { layers: paramsFromTensorData(layers), label: { rows } };
  }
  return { ...model, adapters };
}

/** JSON with the keys in order, so that equal configs have equal text. */
function sortedJson(value: object): string {
  return JSON.stringify(Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))));
}
