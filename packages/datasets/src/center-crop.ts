import { checkInteger } from './check';
import { BICUBIC, BOX, type RawImage, resample } from './resample';

/**
 * Cuts out the square that ADM and DiT train on. The image is halved with a box filter while its smaller side is at
 * least twice `size`; then the smaller side is resized to `size` with a bicubic filter; then the centre is cut out. The
 * filters are Pillow's, bit for bit. An image smaller than `size` is enlarged.
 *
 * @param image - uint8, 1 pixel or more a side
 * @returns uint8 [size, size, channels], owned by the caller
 * @throws RangeError where the size is no whole number above 0, or the number of bytes does not fit the image
 */
export function centerCrop(image: RawImage, size: number): Uint8Array {
  checkInteger('size', size, 1);
  checkInteger('width', image.width, 1);
  checkInteger('height', image.height, 1);
  const { data, channels } = image;
  if (data.length !== image.width * image.height * channels) {
    throw new RangeError(`data: expected ${image.height} x ${image.width} x ${channels} bytes, got ${data.length}`);
  }
  let scaled = image;
  while (Math.min(scaled.width, scaled.height) >= 2 * size) {
    scaled = resample(scaled, scaled.width >> 1, scaled.height >> 1, BOX);
  }
  const scale = size / Math.min(scaled.width, scaled.height);
  scaled = resample(scaled, roundHalfEven(scaled.width * scale), roundHalfEven(scaled.height * scale), BICUBIC);
  const top = (scaled.height - size) >> 1;
  const left = (scaled.width - size) >> 1;
  const out = new Uint8Array(size * size * channels);
  for (let y = 0; y < size; y++) {
    const start = ((top + y) * scaled.width + left) * channels;
    out.set(scaled.data.subarray(start, start + size * channels), y * size * channels);
  }
  return out;
}

/** Python's round: halves go to the even neighbour. */
function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}
