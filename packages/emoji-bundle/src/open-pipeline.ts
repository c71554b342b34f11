import { fileURLToPath } from 'node:url';
import { type OpenPathOptions, openPipeline } from '@learngene/pipeline/node';
import type { EmojiClass } from './classes';

/** The folder of the bundle, with `kind.json`: what `openPipeline` of `@learngene/pipeline/node` opens, and what a site serves. */
export function emojiBundleFolder(): string {
  // `src` and `dist` both lie beside `bundle`, and this module lies in neither's folders.
  return fileURLToPath(new URL('../bundle', import.meta.url));
}

/** Options of {@link openEmojiPipeline}. */
export interface OpenEmojiPipelineOptions extends Pick<OpenPathOptions, 'budget'> {
  /** The classes to draw (default: all 46); the files of others are not read. */
  readonly classes?: readonly EmojiClass[];
}

/**
 * Opens the bundle of this package, and the autoencoder that it needs, to sample images of 64x64 pixels. Needs a backend of tfjs.
 *
 * @returns a pipeline that the caller disposes.
 * @throws ConfigError for a class that the bundle does not have
 */
export function openEmojiPipeline(options: OpenEmojiPipelineOptions = {}): ReturnType<typeof openPipeline> {
  return openPipeline(emojiBundleFolder(), options);
}
