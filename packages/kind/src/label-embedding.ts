import { matmulNN } from '@learngene/nn';
import * as tf from '@tensorflow/tfjs-core';
import type { KindConfig } from './config';
import { classPlaces } from './groups';
import { type KindParams, tailorsOf } from './params';

/**
 * Label embeddings [N, D] from the rows of the groups named and the null row: one product with a one-hot matrix over
 * just those rows, so that neither a gather's gradient nor the rows of inactive groups are needed.
 *
 * @param ids - class ids, each in one of `groups` or the null label.
 */
export function embedClasses(
  params: KindParams,
  ids: Int32Array,
  { config, groups }: { config: KindConfig; groups: readonly string[] },
): tf.Tensor2D {
  const places = classPlaces(config.groups);
  const first = new Map<string, number>();
  let rows = 0;
  for (const name of groups) {
    first.set(name, rows);
    rows += tailorsOf(params, name).label.rows.shape[0];
  }
  const oneHot = new Float32Array(ids.length * (rows + 1));
  for (const [n, id] of ids.entries()) {
    const place = places.get(id);
    const column = place ? first.get(config.groups[place.group].name)! + place.row : rows;
    oneHot[n * (rows + 1) + column] = 1;
  }
  const table = tf.concat([...groups.map((name) => tailorsOf(params, name).label.rows), params.shared.label.null], 0);
  return matmulNN(tf.tensor2d(oneHot, [ids.length, rows + 1]), table);
}
