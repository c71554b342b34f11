// The images of the autoencoder that packages/vae-emoji ships: the emoji of npm in both free styles (Noto and Twemoji), skin
// tones and sequences too, 64x64 on white, without and with the tenth of the characters that is held out.
// Usage: import { emojiImages, root, load } from './emoji-images.mjs'
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The folder of the repository. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** A built entry of a package. */
export const load = (name, entry) => import(pathToFileURL(join(root, 'packages', name, 'dist', `${entry}.js`)).href);

/** The styles, as their npm packages are called. */
export const STYLES = ['google', 'twitter'];

/**
 * The emoji of each style in two parts: to train on, and held out.
 *
 * @param settings of `emojiDataset`, on top
 * @returns {Promise<Record<string, { train: ImageDataset, heldOut: ImageDataset }>>} by style
 */
export async function emojiByStyle(settings = {}) {
  const { resolve } = createRequire(join(root, 'packages', 'vae-emoji', 'package.json'));
  const { holdOutCharacters } = await load('datasets', 'index');
  const { emojiDataset } = await load('datasets', 'node');
  const parts = STYLES.map(async (style) => {
    const folder = dirname(resolve(`emoji-datasource-${style}/emoji.json`));
    const shared = { size: 64, skinVariations: true, concurrency: 8, ...settings };
    return [style, holdOutCharacters(await emojiDataset({ style, root: folder, name: style, ...shared }))];
  });
  return Object.fromEntries(await Promise.all(parts));
}

/** The emoji of both styles in two parts. */
export async function emojiImages() {
  const { concatDatasets } = await load('datasets', 'index');
  const byStyle = Object.values(await emojiByStyle());
  const of = (part) => concatDatasets(byStyle.map((each) => each[part]));
  return { train: of('train'), heldOut: of('heldOut') };
}
