const cache = new Map<string, Float32Array>();

/**
 * The fixed 2-D sine-cosine position table, [grid·grid, dims] row-major, tokens in row-major order of the grid.
 *
 * The first half of the dimensions encodes the column, the second the row; each half is [sin, cos] of the coordinate
 * times 10000^(-i / (dims / 4)) (Vaswani et al. 2017, section 3.5, over integer grid coordinates as in MAE and DiT).
 * Computed in float64 and rounded once. The table is made once for each size and shared: do not write to it.
 *
 * @throws when `dims` is not a multiple of 4 or `grid` is not a positive integer
 */
export function positionTable(dims: number, grid: number): Float32Array {
  if (!Number.isSafeInteger(dims / 4) || dims < 4) throw new Error(`dims: expected a multiple of 4, got ${dims}`);
  if (!Number.isSafeInteger(grid) || grid < 1) throw new Error(`grid: expected a positive integer, got ${grid}`);
  const key = `${dims},${grid}`;
  const table = cache.get(key) ?? makeTable(dims, grid);
  cache.set(key, table);
  return table;
}

function makeTable(dims: number, grid: number): Float32Array {
  const quarter = dims / 4;
  const table = new Float32Array(grid * grid * dims);
  for (let token = 0; token < grid * grid; token++) {
    const coordinates = [token % grid, Math.floor(token / grid)];
    for (let i = 0; i < quarter; i++) {
      const frequency = 1 / 10000 ** (i / quarter);
      for (let axis = 0; axis < 2; axis++) {
        const at = token * dims + axis * 2 * quarter + i;
        table[at] = Math.sin(coordinates[axis] * frequency);
        table[at + quarter] = Math.cos(coordinates[axis] * frequency);
      }
    }
  }
  return table;
}
