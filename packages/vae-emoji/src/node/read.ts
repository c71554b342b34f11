import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Autoencoder, VAE_FILES } from '@learngene/vae';
import { emojiVaeFromFiles } from '../load';

/** The folder of the autoencoder, with `config.json` and the weights: what `learngene train --vae` takes. */
export function emojiVaeFolder(): string {
  // The build puts this beside the entry, in `dist`; the source is a folder deeper.
  const depth = import.meta.url.includes('/src/node/') ? '../../weights' : '../weights';
  return fileURLToPath(new URL(depth, import.meta.url));
}

/**
 * Reads the autoencoder from this package.
 *
 * @returns Its parameters are float32 on the present backend; the caller disposes it.
 */
export async function readEmojiVae(): Promise<Autoencoder> {
  const folder = emojiVaeFolder();
  const config = await readFile(join(folder, VAE_FILES.config), 'utf8');
  return emojiVaeFromFiles(config, await readFile(join(folder, VAE_FILES.learngene)));
}
