import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { centerCrop } from './center-crop';
import { DatasetFileError } from './errors';
import { jpegFault } from './jpeg-scan';
import { withoutStrayBytes } from './jpeg-stray-bytes';
import { runAlone, runTogether } from './node-gate';
import type { RawImage } from './resample';
import { isPlainYcbcrTiff } from './tiff-colours';
import { cmykToRgb, toRgb } from './to-rgb';
import type { EnlargedImage } from './types';

/** A colour: red, green and blue, 0 to 255. */
export type Color = readonly [red: number, green: number, blue: number];

/** How image files are decoded. */
export interface DecodeOptions {
  /** Height and width of the result in pixels; the image is resized and cut as by `centerCrop`. */
  readonly size: number;
  /** The background of transparent images (default white), or `'ignore'` to drop the alpha channel. */
  readonly background?: Color | 'ignore';
  /** Turns images upright by their EXIF tag (default true, as Pillow's `exif_transpose`; torchvision does not). */
  readonly autoOrient?: boolean;
  /** Whether the file was decoded before, so that the data inside a JPEG need not be checked again (default false). */
  readonly wasDecoded?: boolean;
  /** Called where the image is smaller than `size`, so that it was enlarged. */
  readonly onEnlarged?: (image: EnlargedImage) => void;
}

/**
 * Sample formats that have 8 bits, or whose upper 8 bits are the value. Other formats (32 bits, floats) have no fixed
 * range.
 */
const DEPTHS = ['uchar', 'ushort', 'char', 'bit'];

/** How often bytes that belong to no segment of a JPEG are taken out before the file counts as damaged. */
const MOST_REPAIRS = 16;

/** How image files are decoded at the size that they have. */
export type ReadImageOptions = Pick<DecodeOptions, 'background' | 'autoOrient' | 'wasDecoded'>;

/**
 * Reads an image file into uint8 [height, width, 3], at the size that it has. sharp (libvips) decodes it; colour profiles are
 * ignored, and CMYK becomes RGB as in Pillow. 16-bit samples keep their upper byte; an animation or a file of several pages gives
 * its first image. Bytes between the segments of a JPEG are skipped. A file that ends too early is refused, and so is one whose
 * decoder reports damage, and a JPEG of which damage lost some data. WebP, GIF and TIFF have no checksum: damage that leaves
 * their data readable shows in the pixels alone.
 *
 * @throws DatasetFileError where the file cannot be read or decoded in full, has samples of 32 or 64 bits, or is a TIFF
 *   of YCbCr samples
 */
export async function readImageFile(file: string, options: ReadImageOptions = {}): Promise<RawImage> {
  // libvips gets the content and not the path: it caches opened files and would not notice that one has changed.
  return readImage(file, () => readFile(file), options);
}

async function readImage(file: string, read: () => Promise<Uint8Array>, options: ReadImageOptions): Promise<RawImage> {
  const { background = [255, 255, 255], autoOrient = true, wasDecoded = false } = options;
  try {
    const content = await read();
    const settings = { background, autoOrient, wasDecoded };
    return await runTogether(() => decodeStrictly(content, settings)).catch(() =>
      // Decodes that run at the same time share libvips' error buffer. Only a decode that runs alone yields a message
      // about its own file.
      runAlone(() => decode(content, settings)),
    );
  } catch (error) {
    const { reason, cause } = reasonOf(error);
    throw new DatasetFileError(file, `expected an image that can be decoded: ${reason}`, { cause, isImage: true });
  }
}

/**
 * Reads an image file into uint8 [size, size, 3], resized and cut as by `centerCrop`; see {@link readImageFile}.
 *
 * @throws DatasetFileError as `readImageFile`
 */
export async function decodeImageFile(file: string, options: DecodeOptions): Promise<Uint8Array> {
  return decodeImage(file, () => readFile(file), options);
}

/** As {@link decodeImageFile}, with the content of the file from `read`; `file` is its name for errors. */
export async function decodeImage(
  file: string,
  read: () => Promise<Uint8Array>,
  options: DecodeOptions,
): Promise<Uint8Array> {
  const { size, onEnlarged } = options;
  const image = await readImage(file, read, options);
  const { width, height } = image;
  if (Math.min(width, height) < size) onEnlarged?.({ file, width, height });
  return centerCrop(image, size);
}

/**
 * Says why an image cannot be decoded. A message of libvips is put in plain words, followed by its last line: the lines before
 * may be those of other images, or the same again, so that the cause has that line alone too.
 */
function reasonOf(error: unknown): { reason: string; cause: unknown } {
  const { message, code } = error as NodeJS.ErrnoException;
  if (error instanceof RangeError) return { reason: message, cause: error };
  if (code !== undefined) return { reason: `the file cannot be read (${code})`, cause: error };
  const lines = message.split('\n').filter((line) => line.trim() !== '');
  const last = lines.at(-1)?.trim() ?? 'no reason given';
  const reason = /unsupported image format/.test(message) ? last : `it is cut off or damaged (${last})`;
  return { reason, cause: new Error(last) };
}

interface DecodeSettings {
  readonly background: Color | 'ignore';
  readonly autoOrient: boolean;
  readonly wasDecoded: boolean;
}

/**
 * Decodes an image without the stray bytes between its segments. It must run alone, because it reads libvips' messages.
 */
async function decode(content: Uint8Array, settings: DecodeSettings): Promise<RawImage> {
  let bytes = content;
  for (let repairs = 0; ; repairs++) {
    try {
      return await decodeStrictly(bytes, settings);
    } catch (error) {
      const stray = /(\d+) extraneous bytes before marker 0x([0-9a-f]{2})/.exec((error as Error).message);
      if (stray === null || repairs === MOST_REPAIRS) throw error;
      const rest = withoutStrayBytes(bytes, { count: Number(stray[1]), marker: Number.parseInt(stray[2], 16) });
      if (rest === undefined) throw error;
      bytes = rest;
    }
  }
}

/** Decodes an image; every warning of the decoder is an error. */
async function decodeStrictly(
  bytes: Uint8Array,
  { background, autoOrient, wasDecoded }: DecodeSettings,
): Promise<RawImage> {
  const options = { failOn: 'warning', ignoreIcc: true, autoOrient } as const;
  const { space, depth } = await sharp(bytes, options).metadata();
  if (!DEPTHS.includes(depth)) throw new RangeError(`expected samples of 8 or 16 bits, got ${depth}`);
  if (isPlainYcbcrTiff(bytes)) throw new RangeError('expected a TIFF of RGB, CMYK or grey samples, got YCbCr');
  const isCmyk = space === 'cmyk';
  const decoder = sharp(bytes, options);
  const inSpace = isCmyk ? decoder.pipelineColourspace('cmyk').toColourspace('cmyk') : decoder.toColourspace('srgb');
  const { data, info } = await inSpace.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  const fault = wasDecoded ? undefined : jpegFault(bytes);
  if (fault !== undefined) throw new Error(fault);
  const image = { data, width: info.width, height: info.height, channels: info.channels };
  return isCmyk ? cmykToRgb(image) : toRgb(image, background);
}
