import { type ClassGroup, classPlaces, matmulNN } from '@learngene/nn';
import * as tf from '@tensorflow/tfjs-core';

/** Where {@link embedClasses} finds label rows. */
export interface ClassRows {
  /** The groups of the model. */
  readonly groups: readonly ClassGroup[];
  /** Names of the groups whose rows may be needed. */
  readonly active: readonly string[];
  /** float32 [classes of the group, D]: the label rows of a group, in the order of its `classes`. */
  readonly rowsOf: (group: string) => tf.Tensor2D;
  /** float32 [1, D], the embedding of the null label. */
  readonly nullRow: tf.Tensor2D;
}

/**
 * Label embeddings from a label table that is kept in groups. This is one product of a one-hot matrix with the rows of
 * the active groups and the null row. So the gradient scatters nothing, and rows of other groups are not touched.
 *
 * @param ids - [N] class ids, each in an active group, or the null label.
 * @returns [N, D]; owned by the caller. Differentiable in the rows.
 */
export function embedClasses(ids: Int32Array, { groups, active, rowsOf, nullRow }: ClassRows): tf.Tensor2D {
  const places = classPlaces(groups);
  const tables = active.map(rowsOf);
  const first = new Map<string, number>();
  let rows = 0;
  for (const [i, name] of active.entries()) {
    first.set(name, rows);
    rows += tables[i].shape[0];
  }
  const oneHot = new Float32Array(ids.length * (rows + 1));
  for (const [n, id] of ids.entries()) {
    const place = places.get(id);
    const column = place ? first.get(groups[place.group].name)! + place.row : rows;
    oneHot[n * (rows + 1) + column] = 1;
  }
  return tf.tidy(() => matmulNN(tf.tensor2d(oneHot, [ids.length, rows + 1]), tf.concat([...tables, nullRow], 0)));
}
