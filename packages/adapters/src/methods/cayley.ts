import { canReadSync, customOp, matmulNN, readSync } from '@learngene/nn';
import * as tf from '@tensorflow/tfjs-core';

/**
 * Skew-symmetric matrices from the entries above their diagonals, row by row.
 *
 * A gather by a constant table; its gradient is a gather too, so that no backend needs a scatter.
 *
 * @param entries - [n, b (b - 1) / 2].
 * @returns [n, b, b].
 */
export function skewMatrices(entries: tf.Tensor2D, b: number): tf.Tensor3D {
  const [n, count] = entries.shape;
  const from = new Int32Array(b * b).fill(2 * count); // a zero, the negated entries, the entries
  const above = new Int32Array(count);
  const below = new Int32Array(count);
  for (let i = 0, entry = 0; i < b; i++) {
    for (let j = i + 1; j < b; j++, entry++) {
      from[i * b + j] = entry;
      from[j * b + i] = count + entry;
      above[entry] = i * b + j;
      below[entry] = j * b + i;
    }
  }
  const take = (x: tf.Tensor, indices: Int32Array) => tf.gather(x, tf.tensor1d(indices, 'int32'), 1);
  return customOp({
    inputs: { entries },
    forward: () => {
      const pool = tf.concat([entries, tf.neg(entries), tf.zeros([n, 1])], 1);
      return tf.reshape(take(pool, from), [n, b, b]);
    },
    backward: (dy) => ({
      entries: () => {
        const d = tf.reshape(dy, [n, b * b]);
        return tf.sub(take(d, above), take(d, below));
      },
    }),
  }) as tf.Tensor3D;
}

/**
 * Orthogonal matrices from skew-symmetric ones, [n, b, b] each: 'exact' (I - Q)(I + Q)⁻¹, inverted on the host in
 * float64; or `terms` of the Neumann series I + 2Q + 2Q² + ... of its transpose, orthogonal up to the rest,
 * the last power with factor 1 as PEFT has it (with 3 terms PEFT goes on to Q³, and so do we).
 */
export function cayley(Q: tf.Tensor3D, form: 'exact' | number): tf.Tensor3D {
  if (form === 'exact') return exactCayley(Q);
  const sum: tf.Tensor[] = [identity(Q.shape[1]), tf.mul(2, Q)];
  const last = form === 2 ? 1 : Math.max(3, form - 1);
  for (let power = 2, product = Q; power <= last; power++) {
    product = matmulNN(product, Q);
    sum.push(power === last ? product : tf.mul(2, product));
  }
  return sum.reduce((a, b) => tf.add(a, b)) as tf.Tensor3D;
}

function identity(b: number): tf.Tensor3D {
  return tf.reshape(tf.eye(b), [1, b, b]);
}

/** With M = (I + Q)⁻¹ = (I + R) / 2, dR = -(I + R) dQ M: the gradient needs no second inverse. */
function exactCayley(Q: tf.Tensor3D): tf.Tensor3D {
  return customOp({
    inputs: { Q },
    forward: (save) => {
      if (!canReadSync(Q)) {
        throw new Error(
          "cayley: 'exact' inverts on the processor in every step, and WebGPU can only be read asynchronously; " +
            'expected a number of terms',
        );
      }
      const R = tf.tensor3d(cayleyOnHost(readSync(Q), Q.shape), Q.shape);
      save([R]);
      return R;
    },
    backward: (dy, [R]) => ({
      Q: () => {
        const turn = tf.transpose(tf.add(R, identity(Q.shape[1])), [0, 2, 1]) as tf.Tensor3D; // (I + R)ᵀ
        return tf.mul(-0.5, matmulNN(matmulNN(turn, dy as tf.Tensor3D), turn));
      },
    }),
  });
}

/** 2 (I + Q)⁻¹ - I by Gauss-Jordan elimination with pivoting; I + Q is regular for every skew-symmetric Q. */
function cayleyOnHost(values: ArrayLike<number>, [n, b]: readonly number[]): Float32Array {
  const out = new Float32Array(n * b * b);
  for (let block = 0; block < n; block++) {
    const left = Array.from({ length: b }, (_, i) =>
      Float64Array.from({ length: b }, (_, j) => values[(block * b + i) * b + j] + (i === j ? 1 : 0)),
    );
    const right = Array.from({ length: b }, (_, i) => Float64Array.from({ length: b }, (_, j) => (i === j ? 1 : 0)));
    for (let k = 0; k < b; k++) {
      let pivot = k;
      for (let i = k + 1; i < b; i++) if (Math.abs(left[i][k]) > Math.abs(left[pivot][k])) pivot = i;
      [left[k], left[pivot]] = [left[pivot], left[k]];
      [right[k], right[pivot]] = [right[pivot], right[k]];
      const scale = 1 / left[k][k];
      for (let j = 0; j < b; j++) {
        left[k][j] *= scale;
        right[k][j] *= scale;
      }
      for (let i = 0; i < b; i++) {
        const factor = i === k ? 0 : left[i][k];
        if (factor === 0) continue;
        for (let j = 0; j < b; j++) {
          left[i][j] -= factor * left[k][j];
          right[i][j] -= factor * right[k][j];
        }
      }
    }
    for (let i = 0; i < b; i++) {
      for (let j = 0; j < b; j++) out[(block * b + i) * b + j] = 2 * right[i][j] - (i === j ? 1 : 0);
    }
  }
  return out;
}
