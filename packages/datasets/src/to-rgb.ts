import type { RawImage } from './resample';

/** Red, green and blue, 0 to 255. */
export type RgbColor = readonly [red: number, green: number, blue: number];

/** Converts 1 to 4 channels (grey, grey and alpha, RGB, RGBA) to 3, on the background. */
export function toRgb(image: RawImage, background: RgbColor | 'ignore'): RawImage {
  const { data, width, height, channels } = image;
  if (channels === 3) return image;
  const grey = channels < 3;
  const alphaAt = channels % 2 === 0 && background !== 'ignore' ? channels - 1 : -1;
  const out = new Uint8Array(width * height * 3);
  for (let i = 0, from = 0, at = 0; i < width * height; i++, from += channels) {
    const alpha = alphaAt < 0 ? 255 : data[from + alphaAt];
    for (let c = 0; c < 3; c++) {
      const value = data[from + (grey ? 0 : c)];
      out[at++] = alpha === 255 ? value : Math.round((value * alpha + Number(background[c]) * (255 - alpha)) / 255);
    }
  }
  return { data: out, width, height, channels: 3 };
}

/**
 * Converts cyan, magenta, yellow and black (255 is full ink; channels beyond the fourth are dropped) to RGB without a
 * profile: (255 - ink) scaled by (255 - black), in whole numbers as Pillow's `cmyk2rgb` (Convert.c).
 */
export function cmykToRgb({ data, width, height, channels }: RawImage): RawImage {
  const out = new Uint8Array(width * height * 3);
  for (let i = 0, from = 0, at = 0; i < width * height; i++, from += channels) {
    const light = 255 - data[from + 3];
    for (let c = 0; c < 3; c++) {
      const product = data[from + c] * light + 128;
      out[at++] = Math.max(0, light - ((product + (product >> 8)) >> 8));
    }
  }
  return { data: out, width, height, channels: 3 };
}
