import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { centerCrop } from './center-crop';
import { DatasetFileError } from './errors';
import type { RawImage } from './resample';

/** A colour: red, green and blue, 0 to 255. */
export type Color = readonly [red: number, green: number, blue: number];

/** How pictures are decoded. */
export interface DecodeOptions {
  /** Height and width of the result in pixels; the picture is resized and cut as `centerCrop` does. */
  readonly size: number;
  /** What lies behind transparent pictures (default white), or `'ignore'`: the alpha channel is left out. */
  readonly background?: Color | 'ignore';
  /** Turns pictures upright by their EXIF tag (default false, as torchvision). */
  readonly autoOrient?: boolean;
}

/**
 * Reads a picture file into uint8 [size, size, 3]. Decoded by sharp (libvips), colour profiles ignored as Pillow does;
 * resized by `centerCrop`.
 *
 * @throws DatasetFileError where the file cannot be read or decoded in full
 */
export async function decodeImageFile(file: string, options: DecodeOptions): Promise<Uint8Array> {
  const { size, background = [255, 255, 255], autoOrient = false } = options;
  const image = await decode(file, autoOrient);
  return centerCrop(toRgb(image, background), size);
}

async function decode(file: string, autoOrient: boolean): Promise<RawImage> {
  try {
    // The content, not the path: libvips keeps opened files in a cache, and would not see that one has changed.
    const picture = sharp(await readFile(file), { failOn: 'warning', ignoreIcc: true, autoOrient });
    const { data, info } = await picture
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return { data, width: info.width, height: info.height, channels: info.channels };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DatasetFileError(file, `expected a picture that can be decoded: ${reason}`, { cause });
  }
}

/** 1 to 4 channels (grey, grey and alpha, RGB, RGBA) to 3, laid on the background. */
function toRgb(image: RawImage, background: Color | 'ignore'): RawImage {
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
