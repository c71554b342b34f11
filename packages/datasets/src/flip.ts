import { checkInteger } from './check';

/**
 * Mirrors one image left to right, in place.
 *
 * @param images - uint8 [n, height, width, channels]
 * @param at - which of the n
 * @throws RangeError where there is no such image
 */
export function flipHorizontal(
  images: Uint8Array,
  at: number,
  { height, width, channels }: { height: number; width: number; channels: number },
): void {
  const row = width * channels;
  checkInteger('at', at, 0, images.length / (height * row) - 1);
  for (let y = 0; y < height; y++) {
    const start = (at * height + y) * row;
    for (let left = 0, right = width - 1; left < right; left++, right--) {
      for (let c = 0; c < channels; c++) {
        const a = start + left * channels + c;
        const b = start + right * channels + c;
        const value = images[a];
        images[a] = images[b];
        images[b] = value;
      }
    }
  }
}
