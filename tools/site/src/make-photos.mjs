// Folders of images for the pages that begin with photos of one's own.
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ROOT } from '../../../docs/.vitepress/pages.mjs';

/**
 * Writes a folder of images with a folder a class: emoji of 64x64 pixels.
 *
 * @param folder where to write
 * @param classes the kind of emoji (`subcategory` of the data set) by the name of a class
 */
export function makePhotos(folder, classes) {
  const { resolve } = createRequire(join(ROOT, 'examples', 'package.json'));
  const source = dirname(resolve('emoji-datasource-google/package.json'));
  const emoji = JSON.parse(readFileSync(join(source, 'emoji.json'), 'utf8'));
  for (const [name, kind] of Object.entries(classes)) {
    const images = emoji.filter(({ subcategory, has_img_google }) => subcategory === kind && has_img_google);
    if (images.length === 0) throw new Error(`there are no emoji of the kind ${kind}`);
    mkdirSync(join(folder, name), { recursive: true });
    for (const { image } of images) {
      copyFileSync(join(source, 'img', 'google', '64', image), join(folder, name, image));
    }
  }
}
