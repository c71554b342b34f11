import * as tf from '@tensorflow/tfjs-core';

/** A small seeded generator (mulberry32): a program is its seed. */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

type Pick = (below: number) => number;

const sizes = [0, 1, 1, 2, 3, 4, 5, 7, 8, 16, 17, 33];
const unary = [tf.neg, tf.abs, tf.tanh, tf.sigmoid, tf.relu, tf.square, tf.softplus, tf.elu];
const binary = [tf.add, tf.sub, tf.mul, tf.maximum, tf.minimum, tf.squaredDifference];
const reduce = [tf.sum, tf.mean, tf.max, tf.min];

function shape(pick: Pick): number[] {
  return Array.from({ length: 1 + pick(3) }, () => sizes[pick(sizes.length)]);
}

function fresh(pick: Pick): tf.Tensor {
  const dims = shape(pick);
  const size = dims.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => (pick(4001) - 2000) / 500),
    dims,
  );
}

/** The shape with some sizes replaced by 1, and perhaps leading axes cut off: it broadcasts against the whole. */
function broadcastable(dims: number[], pick: Pick): number[] {
  return dims.map((size) => (pick(3) === 0 ? 1 : size)).slice(pick(dims.length));
}

function filled(dims: number[], pick: Pick): tf.Tensor {
  const size = dims.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => (pick(4001) - 2000) / 500),
    dims,
  );
}

function shuffled(count: number, pick: Pick): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = pick(i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** Applies one random op to a tensor; every op keeps values of moderate size. */
function apply(x: tf.Tensor, pick: Pick): tf.Tensor {
  const rank = x.shape.length;
  switch (pick(14)) {
    case 0:
    case 1:
      return unary[pick(unary.length)](x);
    case 2:
    case 3: {
      const other = filled(broadcastable(x.shape, pick), pick);
      const y = pick(2) === 0 ? binary[pick(binary.length)](x, other) : binary[pick(binary.length)](other, x);
      other.dispose();
      return y;
    }
    case 4:
      return binary[pick(binary.length)](x, x);
    case 5:
      if (rank === 0 || x.size === 0) return tf.clone(x);
      return reduce[pick(reduce.length)](x, [pick(rank)], pick(2) === 0);
    case 6:
      return rank < 2 ? tf.clone(x) : tf.transpose(x, shuffled(rank, pick));
    case 7:
      return tf.reshape(x, [x.size, 1]);
    case 8: {
      if (rank === 0) return tf.clone(x);
      const begin = x.shape.map((size) => pick(size + 1));
      return tf.slice(
        x,
        begin,
        x.shape.map((size, axis) => pick(size - begin[axis] + 1)),
      );
    }
    case 9:
      return rank === 0 ? tf.clone(x) : tf.concat([x, x], pick(rank));
    case 10: {
      if (rank !== 2) return tf.clone(x);
      const other = filled([pick(2) === 0 ? x.shape[1] : x.shape[0], sizes[pick(sizes.length)]], pick) as tf.Tensor2D;
      const transpose = other.shape[0] !== x.shape[1];
      const product = tf.matMul(x as tf.Tensor2D, other, transpose, false);
      const y = tf.tanh(product);
      tf.dispose([other, product]);
      return y;
    }
    case 11:
      return rank === 0 || x.size === 0 ? tf.clone(x) : tf.softmax(x);
    case 12:
      return tf.clipByValue(x, -3, 3);
    default:
      return rank === 0 || rank > 3
        ? tf.clone(x)
        : tf.pad(
            x,
            x.shape.map(() => [pick(2), pick(2)] as [number, number]),
            0.5,
          );
  }
}

/** What a program left: shapes and values of all tensors that were alive at its end. */
export interface Outcome {
  /** The shape of each. */
  readonly shapes: number[][];
  /** The values of each. */
  readonly values: Float32Array[];
}

/**
 * Runs the random program of a seed on the active backend: makes tensors, applies ops to random ones, disposes random
 * ones, keeps arrays that were read to see that nobody writes them later, and disposes everything at the end.
 *
 * @throws Error when an array that was handed out changed
 */
export function runProgram(seed: number, steps = 24): Outcome {
  const pick = generator(seed);
  const live: tf.Tensor[] = [fresh(pick)];
  const handedOut: { array: Float32Array; copy: Float32Array }[] = [];
  for (let step = 0; step < steps; step++) {
    const x = live[pick(live.length)];
    const choice = pick(10);
    if (choice === 0) live.push(fresh(pick));
    else if (choice === 1 && live.length > 1) live.splice(live.indexOf(x), 1)[0].dispose();
    else if (choice === 2) {
      const array = x.dataSync() as Float32Array;
      handedOut.push({ array, copy: array.slice() });
    } else {
      const y = apply(x, pick);
      // a value that grew too large is brought back, so that both backends round alike
      live.push(tf.tidy(() => tf.clipByValue(y, -100, 100)));
      y.dispose();
    }
  }
  const shapes = live.map((x) => x.shape.slice());
  const values = live.map((x) => (x.dataSync() as Float32Array).slice());
  tf.dispose(live);
  for (const { array, copy } of handedOut) {
    if (array.some((value, i) => !Object.is(value, copy[i])))
      throw new Error(`program ${seed}: an array that was handed out was written`);
  }
  return { shapes, values };
}
