import { type Generator, normal } from '@learngene/random';
import { qr } from './decompositions';
import { createMatrix, type Matrix } from './dense/matrix';

/**
 * Draws a matrix [rows, cols] with orthonormal columns from the uniform (Haar) distribution (Mezzadri 2007): the Q of a
 * matrix of normal numbers, with signs such that the diagonal of R is positive.
 *
 * @param g - Generator; it moves on by rows * cols normals.
 * @returns A matrix that the caller owns.
 * @throws Unless 1 <= cols <= rows.
 */
export function randomOrthonormal(g: Generator, rows: number, cols: number): Matrix {
  for (const [name, size] of Object.entries({ rows, cols })) {
    if (!Number.isInteger(size) || size < 1) throw new Error(`${name}: expected a positive integer, got ${size}`);
  }
  if (!(cols <= rows)) throw new Error(`cols: expected at most rows = ${rows}, got ${cols}`);
  const { q, r } = qr(createMatrix(rows, cols, normal(g, rows * cols)));
  for (let j = 0; j < cols; j++) {
    if (r.data[j * cols + j] < 0) for (let i = 0; i < rows; i++) q.data[i * cols + j] *= -1;
  }
  return q;
}
