import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@learngene/testing/temporary-folder';
import sharp from 'sharp';
import { describe, expect, test, vi } from 'vitest';
import { emojiDataset } from './node';

const root = temporaryFolder('datasets-emoji');

/** A 64x64 image of one colour. */
async function imageFile(path: string, pixel: readonly number[]): Promise<void> {
  const file = join(root, path);
  mkdirSync(join(file, '..'), { recursive: true });
  const data = Buffer.from(Array.from({ length: 64 * 64 }, () => pixel).flat());
  await sharp(data, { raw: { width: 64, height: 64, channels: 4 } }).toFile(file);
}

describe('emojiDataset', () => {
  const entry = (image: string, category: string, subcategory: string, more: object = {}) => ({
    image,
    unified: `1F44${image[0]}`,
    category,
    subcategory,
    has_img_google: true,
    ...more,
  });
  const list = [
    entry('1.png', 'Food', 'fruit', { skin_variations: { x: { image: '1-x.png', has_img_google: true } } }),
    entry('2.png', 'Food', 'bread'),
    entry('3.png', 'Animals', 'cat'),
    entry('4.png', 'Food', 'fruit'),
    entry('5.png', 'Food', 'fruit', { has_img_google: false }),
  ];
  const fake = async (name: string, content: unknown) => {
    for (const [i, image] of ['1', '2', '3', '4', '1-x'].entries()) {
      await imageFile(`${name}/img/google/64/${image}.png`, [i, 0, 0, 255]);
    }
    writeFileSync(join(root, name, 'emoji.json'), typeof content === 'string' ? content : JSON.stringify(content));
    return join(root, name);
  };

  test('labels by subcategory or category, skips what Google did not draw', async () => {
    const folder = await fake('emoji', list);
    const data = await emojiDataset({ root: folder, size: 16 });
    expect([data.name, data.size, data.height, data.classes]).toEqual(['emoji', 4, 16, ['bread', 'cat', 'fruit']]);
    expect([...data.labels]).toEqual([2, 0, 1, 2]);
    expect((await data.read([3]))[0]).toBe(3);
    const coarse = await emojiDataset({ root: folder, size: 16, classBy: 'category', minPerClass: 2 });
    expect([coarse.classes, coarse.size]).toEqual([['Food'], 3]);
    const skins = await emojiDataset({ root: folder, size: 16, skinVariations: true });
    expect([skins.size, (await skins.read([1]))[0]]).toEqual([5, 4]);
  });

  test('reads the style that is asked for, and tells the character of every image, in all skin tones one', async () => {
    const both = { has_img_twitter: true };
    const folder = await fake('emoji-styles', [
      entry('1.png', 'Food', 'fruit', {
        ...both,
        unified: '1F44D-FE0F',
        // Of its own code points a variation in two tones would be another character, and could be trained on.
        skin_variations: {
          x: {
            unified: '1FAF1-1F3FB-200D-1FAF2-1F3FC',
            image: '1-x.png',
            has_img_google: true,
            has_img_twitter: false,
          },
        },
      }),
      entry('2.png', 'Food', 'bread', { has_img_twitter: false }),
      entry('3.png', 'Food', 'bread', both),
    ]);
    await imageFile('emoji-styles/img/twitter/64/1.png', [91, 0, 0, 255]);
    await imageFile('emoji-styles/img/twitter/64/3.png', [93, 0, 0, 255]);
    const google = await emojiDataset({ root: folder, size: 16, skinVariations: true });
    expect(google.characters).toEqual(['1F44D', '1F44D', '1F442', '1F443']);
    const twitter = await emojiDataset({ root: folder, size: 16, skinVariations: true, style: 'twitter' });
    expect(twitter.characters).toEqual(['1F44D', '1F443']);
    expect([...(await twitter.read([0, 1]))].filter((_, i) => i % (16 * 16 * 3) === 0)).toEqual([91, 93]);
    const bad = await emojiDataset({ root: folder, size: 16, classBy: 'category', minPerClass: 3, onCorrupt: 'skip' });
    expect([bad.size, bad.characters.length]).toEqual([3, 3]);
  });

  test('refuses lists and options that do not fit', async () => {
    const at = async (content: unknown) => emojiDataset({ root: await fake('emoji-bad', content), size: 16 });
    await expect(at('{')).rejects.toThrow(/emoji\.json: expected JSON/);
    await expect(at({})).rejects.toThrow(/emoji\.json: expected a list of emoji/);
    await expect(at([{ image: 'x.png' }])).rejects.toThrow(
      /emoji\.json: expected image, unified, category, subcategory and has_img_google in entry 0/,
    );
    await expect(at([entry('../../x.png', 'a', 'b')])).rejects.toThrow(/in entry 0/);
    await expect(at([null])).rejects.toThrow(/in entry 0/);
    await expect(at([{ ...entry('1.png', 'a', 'b'), unified: 'thumbs up' }])).rejects.toThrow(/in entry 0/);
    await expect(at([entry('1.png', 'a', 'b', { skin_variations: { x: { image: '1-x.png' } } })])).rejects.toThrow(
      /in entry 0/,
    );
    await expect(at([entry('9.png', 'a', 'b')])).rejects.toThrow(/9\.png: expected an image/);
    const folder = await fake('emoji', list);
    await expect(emojiDataset({ root: folder, size: 16, style: 'apple' as 'google' })).rejects.toThrow(
      "style: expected google or twitter, got 'apple'",
    );
    await expect(emojiDataset({ root: folder, size: 16, style: 'twitter' })).rejects.toThrow(
      /has_img_twitter in entry 0/,
    );
    await expect(emojiDataset({ root: folder, size: 16, minPerClass: 3 })).rejects.toThrow(
      /^minPerClass: expected at most 2/,
    );
    await expect(emojiDataset({ root: join(root, 'none'), size: 16 })).rejects.toThrow(
      /emoji\.json: expected a file, found none/,
    );
  });

  test('finds the package where the working directory keeps its packages', async () => {
    const folder = await fake('home/node_modules/emoji-datasource-google', list);
    const cwd = vi.spyOn(process, 'cwd').mockReturnValue(join(root, 'home'));
    try {
      expect((await emojiDataset({ size: 16 })).files[0]).toContain(folder);
      cwd.mockReturnValue(root);
      await expect(emojiDataset({ size: 16 })).rejects.toThrow(/^emoji-datasource-google: expected this npm package/);
    } finally {
      cwd.mockRestore();
    }
  });
});
