import { checkBytes, checkFields } from './check';

/** Images of one size: uint8 [count, height, width, channels], in [0, 255]. */
export interface Images {
  /** `count * height * width * channels` bytes. */
  data: Uint8Array;
  /** How many there are. */
  count: number;
  /** In pixels. */
  height: number;
  /** In pixels. */
  width: number;
  /** 1: grey. 3 or more: red, green and blue first. */
  channels: number;
}

/**
 * Checks that the bytes of images are as many as their sizes say, and that they can be shown.
 *
 * @throws RangeError naming the field or the size that cannot be, or the bytes expected and given
 */
export function checkImages(images: Images): void {
  checkFields('images', images, ['data', 'count', 'height', 'width', 'channels']);
  const { data, count, height, width, channels } = images;
  checkBytes('images.data', data);
  for (const [name, value, minimum] of [
    ['count', count, 0],
    ['height', height, 1],
    ['width', width, 1],
    ['channels', channels, 1],
  ] as const) {
    if (Number.isSafeInteger(value) && value >= minimum) continue;
    throw new RangeError(`images.${name}: expected a whole number of at least ${minimum}, got ${value}`);
  }
  if (channels === 2) throw new RangeError('images.channels: expected 1 (grey) or at least 3 (RGB first), got 2');
  const bytes = count * height * width * channels;
  if (data.length !== bytes) {
    const shape = `[${count}, ${height}, ${width}, ${channels}]`;
    throw new RangeError(`images.data: expected ${bytes} bytes for ${shape}, got ${data.length}`);
  }
}
