import { checkBytes, checkFields } from './check';
import { GAP } from './image-grid';

/** What a grid holds, and what is taken of it. */
export interface GridRowsOptions {
  /** Pixels of an image, before the grid enlarged it. */
  width: number;
  /** Pixels of an image, before the grid enlarged it. */
  height: number;
  /** Images a row. */
  columns: number;
  /** Images that are taken of each row, from the left (default: all). */
  take?: number;
}

/**
 * Cuts a grid that `gridPng` encoded into its rows.
 *
 * @returns a PNG file for each row, from top to bottom
 * @throws RangeError where the sizes do not fit the file
 */
export async function gridRows(png: Uint8Array, options: GridRowsOptions): Promise<Buffer[]> {
  checkBytes('png', png);
  checkFields('options', options, ['width', 'height', 'columns', 'take']);
  const { width, height, columns, take = columns } = options;
  const { default: sharp } = await import('sharp');
  const whole = await sharp(png).metadata();
  const scale = whole.width / (columns * (width + GAP) + GAP);
  const rows = (whole.height / scale - GAP) / (height + GAP);
  if (![scale, rows].every((size) => Number.isSafeInteger(size) && size > 0)) {
    const images = `${columns} images of ${width}x${height} pixels a row`;
    throw new RangeError(`png: expected a grid of ${images}, got ${whole.width}x${whole.height} pixels`);
  }
  if (!Number.isSafeInteger(take) || take < 1 || take > columns) {
    throw new RangeError(`options.take: expected a whole number from 1 to ${columns}, got ${take}`);
  }
  const cut = (row: number) =>
    sharp(png)
      .extract({
        left: 0,
        top: row * (height + GAP) * scale,
        width: (take * (width + GAP) + GAP) * scale,
        height: (height + 2 * GAP) * scale,
      })
      .png({ compressionLevel: 9, palette: false })
      .toBuffer();
  return Promise.all(Array.from({ length: rows }, (_, row) => cut(row)));
}
