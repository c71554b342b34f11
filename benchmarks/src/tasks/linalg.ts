import { createGenerator } from '@learngene/random';
import { createMatrix, type Matrix, randomizedSvd, svd, symmetricEigen } from '@learngene/tensor-svd';
import { pattern } from './pattern';
import type { WorkItem } from './task';

const leading = 8;

function item<T>(run: () => T, values: (result: T) => Float64Array): WorkItem {
  return { run, check: async () => [...values(run())], dispose: () => {} };
}

function matrix(rows: number, cols: number): Matrix {
  return createMatrix(rows, cols, pattern(rows * cols, 1));
}

async function exactSvd({ rows, cols }: { rows: number; cols: number }): Promise<WorkItem> {
  const a = matrix(rows, cols);
  return item(
    () => svd(a),
    ({ s }) => s.slice(0, leading),
  );
}

async function eigen({ size }: { size: number }): Promise<WorkItem> {
  const a = matrix(size, size);
  const symmetric = createMatrix(size, size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) symmetric.data[i * size + j] = (a.data[i * size + j] + a.data[j * size + i]) / 2;
  }
  return item(
    () => symmetricEigen(symmetric),
    ({ values }) => values.slice(-leading),
  );
}

/** A matrix with decaying spectrum, so that every sketch finds the same singular values. */
async function randomized({ rows, cols, rank }: { rows: number; cols: number; rank: number }): Promise<WorkItem> {
  const a = matrix(rows, cols);
  for (let i = 0; i < rows; i++) for (let j = 0; j < cols; j++) a.data[i * cols + j] /= i + 1;
  return item(
    () => randomizedSvd(a, { rank, generator: createGenerator(0) }),
    ({ s }) => s.slice(0, leading),
  );
}

/** Decompositions in float64. */
export const linalgTasks = { svd: exactSvd, 'symmetric-eigen': eigen, 'randomized-svd': randomized };
