import { checkImages, type Images } from './images';

/** White pixels around every image, before the grid is enlarged. */
export const GAP = 2;

/** Smaller images are enlarged by a whole number to about so many pixels a side. */
const LEAST_WIDTH = 64;

/**
 * Lays images out in rows on white. Images narrower than 64 pixels are enlarged by a whole number, pixel by pixel.
 *
 * @param images Grey ones become RGB.
 * @param columns Images a row, at least 1.
 * @returns one RGB image
 * @throws RangeError for columns, sizes or bytes that do not fit
 */
export function imageGrid(images: Images, columns: number): Images {
  checkImages(images);
  if (!Number.isSafeInteger(columns) || columns < 1) {
    throw new RangeError(`columns: expected a whole number of at least 1, got ${columns}`);
  }
  const { data, count, height, width, channels } = images;
  const rows = Math.ceil(count / columns);
  const grid = {
    data: new Uint8Array((rows * (height + GAP) + GAP) * (columns * (width + GAP) + GAP) * 3).fill(255),
    count: 1,
    height: rows * (height + GAP) + GAP,
    width: columns * (width + GAP) + GAP,
    channels: 3,
  };
  for (let n = 0; n < count; n++) {
    const top = GAP + Math.floor(n / columns) * (height + GAP);
    const left = GAP + (n % columns) * (width + GAP);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const from = ((n * height + y) * width + x) * channels;
        const to = ((top + y) * grid.width + left + x) * 3;
        for (let c = 0; c < 3; c++) grid.data[to + c] = data[from + (channels === 1 ? 0 : c)];
      }
    }
  }
  return enlarge(grid, Math.max(1, Math.round(LEAST_WIDTH / width)));
}

/** Makes every pixel of an RGB image a square of `scale` by `scale` pixels. */
function enlarge(image: Images, scale: number): Images {
  if (scale === 1) return image;
  const [height, width] = [image.height * scale, image.width * scale];
  const data = new Uint8Array(height * width * 3);
  for (let y = 0; y < image.height; y++) {
    const row = data.subarray(y * scale * width * 3, (y * scale + 1) * width * 3);
    for (let x = 0; x < width; x++) {
      const from = (y * image.width + Math.floor(x / scale)) * 3;
      for (let c = 0; c < 3; c++) row[x * 3 + c] = image.data[from + c];
    }
    for (let copy = 1; copy < scale; copy++) data.set(row, (y * scale + copy) * width * 3);
  }
  return { ...image, data, height, width };
}
