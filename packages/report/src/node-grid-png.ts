import { imageGrid } from './image-grid';
import type { Images } from './images';

/**
 * Lays images out as {@link imageGrid} does, and encodes the grid as a PNG file.
 *
 * @param columns Images a row, at least 1.
 * @returns the bytes of the file
 * @throws RangeError for columns, sizes or bytes that do not fit
 */
export async function gridPng(images: Images, columns: number): Promise<Buffer> {
  const { data, width, height } = imageGrid(images, columns);
  const { default: sharp } = await import('sharp');
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 9, palette: false })
    .toBuffer();
}
