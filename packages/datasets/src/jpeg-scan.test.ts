import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createGenerator, randomIntegers } from '@learngene/random';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { DatasetFileError } from './errors';
import { jpegFault } from './jpeg-scan';
import { decodeImageFile } from './node';
import { imageFiles } from './node-files';

const root = temporaryFolder('jpeg-scan');

/** Smooth waves with some noise, uint8 [height, width, channels]. */
function waves(width: number, height: number, channels: 1 | 3) {
  const noise = randomIntegers(createGenerator(width * height), width * height * channels, { high: 16 });
  const data = Uint8Array.from(noise, (value, i) => {
    const place = Math.floor(i / channels);
    const [x, y] = [place % width, Math.floor(place / width)];
    return 128 + 55 * Math.sin(x / 5 + (i % channels)) + 40 * Math.cos(y / 7) + value;
  });
  return sharp(data, { raw: { width, height, channels } });
}

const SIZES = [
  [8, 8],
  [17, 9],
  [65, 33],
  [200, 133],
] as const;
const sound = SIZES.flatMap(([width, height]) =>
  ([1, 3] as const).flatMap((channels) =>
    (['4:2:0', '4:4:4'] as const).flatMap((chromaSubsampling) =>
      [5, 50, 100].flatMap((quality) =>
        [false, true].map((optimiseCoding) => ({
          width,
          height,
          channels,
          chromaSubsampling,
          quality,
          optimiseCoding,
        })),
      ),
    ),
  ),
);

describe('jpegFault', () => {
  test.each(sound)(
    'finds none in $width x $height x $channels, $chromaSubsampling, $quality, $optimiseCoding',
    async (form) => {
      const { width, height, channels, ...options } = form;
      const jpeg = await waves(width, height, channels)
        .jpeg({ ...options, mozjpeg: false })
        .toBuffer();
      expect(jpegFault(jpeg)).toBeUndefined();
      // What some programs write behind the last block is no damage.
      for (const stray of [[0, 0, 0, 0, 0], [0xff, 0xff], [0x0a]]) {
        expect(jpegFault(Buffer.concat([jpeg.subarray(0, -2), Buffer.from(stray), jpeg.subarray(-2)]))).toBeUndefined();
      }
    },
  );

  test('says nothing of progressive scans and of what is no JPEG', async () => {
    const progressive = await waves(64, 64, 3).jpeg({ progressive: true }).toBuffer();
    for (const bytes of [
      progressive,
      progressive.subarray(0, 300),
      new Uint8Array(),
      Uint8Array.of(0xff, 0xd8, 0xff),
    ]) {
      expect(jpegFault(bytes)).toBeUndefined();
    }
    expect(jpegFault(await waves(64, 64, 3).png().toBuffer())).toBeUndefined();
  });

  test('never throws and always ends, whatever the bytes', async () => {
    const jpeg = await waves(40, 40, 3).jpeg().toBuffer();
    const g = createGenerator(5);
    for (let n = 0; n < 300; n++) {
      const bytes = Uint8Array.from(jpeg);
      const [at, length, value] = randomIntegers(g, 3, { high: jpeg.length });
      bytes.fill(value % 256, at, at + (length % 60));
      jpegFault(n % 3 === 0 ? bytes.subarray(0, at) : bytes);
    }
  });
});

/** Damage inside of a file; `at` is a share of it. */
const DAMAGE: Record<string, (bytes: Buffer, at: number) => Buffer> = {
  'twenty bytes zero': (bytes, at) => Buffer.concat([bytes.subarray(0, at), Buffer.alloc(20), bytes.subarray(at + 20)]),
  'twenty bytes gone': (bytes, at) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 20)]),
  'twenty bytes twice': (bytes, at) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at - 20)]),
  'the end gone': (bytes, at) => bytes.subarray(0, at),
  'an end in the middle': (bytes, at) =>
    Buffer.concat([bytes.subarray(0, at), Buffer.from([0xff, 0xd9]), bytes.subarray(at + 2)]),
};

/**
 * How many of 12 places of damage are told at least, by format: all where it has a checksum, most of a sequential JPEG. Formats that
 * have none tell only what breaks their data: nobody can tell the rest.
 */
const TOLD: Record<string, { made: () => Promise<Buffer>; least: number[] }> = {
  png: { made: () => waves(96, 96, 3).png().toBuffer(), least: [12, 12, 12, 12, 12] },
  'grey jpeg': { made: () => waves(256, 256, 1).jpeg({ quality: 85 }).toBuffer(), least: [6, 10, 10, 12, 12] },
  'jpeg 4:4:4': {
    made: () => waves(256, 256, 3).jpeg({ quality: 85, chromaSubsampling: '4:4:4' }).toBuffer(),
    least: [5, 10, 10, 12, 12],
  },
  'jpeg 4:2:0': { made: () => waves(256, 256, 3).jpeg({ quality: 85 }).toBuffer(), least: [5, 5, 5, 12, 12] },
  gif: { made: () => waves(96, 96, 3).gif().toBuffer(), least: [0, 8, 8, 12, 0] },
  webp: { made: () => waves(96, 96, 3).webp({ quality: 90 }).toBuffer(), least: [0, 12, 0, 12, 0] },
};

describe('damage inside of a file is told', () => {
  test.each(Object.entries(TOLD))('%s', async (name, { made, least }) => {
    const whole = await made();
    const file = join(root, `${name.replace(/\W/g, '-')}.img`);
    const told = [];
    for (const damage of Object.values(DAMAGE)) {
      let count = 0;
      for (let place = 1; place <= 12; place++) {
        writeFileSync(file, damage(whole, 700 + Math.floor(((whole.length - 760) * place) / 13)));
        const error = await decodeImageFile(file, { size: 8 }).catch((reason: unknown) => reason);
        if (error instanceof DatasetFileError) count++;
        else expect(error).toBeInstanceOf(Uint8Array);
      }
      told.push(count);
    }
    for (const [i, count] of told.entries())
      expect(count, `${Object.keys(DAMAGE)[i]}: ${told}`).toBeGreaterThanOrEqual(least[i]);
  });

  test('by the rule of images that cannot be read: refused by name, or left out', async () => {
    const whole = await waves(64, 64, 1).jpeg({ quality: 85 }).toBuffer();
    const files = ['whole.jpg', 'damaged.jpg'].map((name) => join(root, name));
    writeFileSync(files[0], whole);
    writeFileSync(files[1], DAMAGE['twenty bytes gone'](whole, 800));
    const source = { files, labels: [0, 0], classes: ['a'] };
    const message = `${files[1]}: expected an image that can be decoded: it is cut off or damaged (`;
    await expect((await imageFiles(source, { size: 8 })).read([0, 1])).rejects.toThrow(message);
    const rest = await imageFiles(source, { size: 8, onCorrupt: 'skip' });
    expect([rest.size, rest.skipped.map(({ file }) => file)]).toEqual([1, [files[1]]]);
    expect(await rest.read([0])).toEqual(await rest.read([0])); // the second time unchecked
  });
});
