import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { VAE_FILES } from '@learngene/vae';
import { type EmojiVae, emojiVaeFromFiles } from './load';

/** The folder of the autoencoder, with `config.json` and the weights: what `readVae` of `@learngene/vae/node` reads. */
export function emojiVaeFolder(): string {
  // `src` and `dist` both lie beside `weights`, and this module lies in neither's folders.
  return fileURLToPath(new URL('../weights', import.meta.url));
}

/** Reads the autoencoder from this package. Needs a backend. */
export async function readEmojiVae(): Promise<EmojiVae> {
  const folder = emojiVaeFolder();
  const config = await readFile(join(folder, VAE_FILES.config), 'utf8');
  return emojiVaeFromFiles(config, await readFile(join(folder, VAE_FILES.learngene)));
}
