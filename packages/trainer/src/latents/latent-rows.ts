import { listNames } from '@learngene/datasets';
import { autoencoderWords, counted } from '@learngene/pipeline';
import { latentScaleWords } from './latent-words';
import { type LatentManifest, readLatentManifest, shardCount } from './manifest';

/** What a folder of latents is, and that as rows of a name and a value, for a table. */
export interface LatentInspection {
  /** What its `latents.json` says. */
  readonly latents: LatentManifest;
  /** The rows. */
  readonly rows: readonly (readonly [string, string])[];
}

const MOST_CLASSES = 40;

/**
 * Reads what a folder of latents is; no latent is read.
 *
 * @throws ConfigError as `readLatentManifest`
 */
export async function inspectLatents(folder: string): Promise<LatentInspection> {
  const latents = await readLatentManifest(folder);
  const { images, classes, imageShape, shape, autoencoder, data, stored, crops, mirrored, shards } = latents;
  const shardsInAll = shardCount(latents);
  const rest = shards.length < shardsInAll ? ', unfinished: learngene data latents goes on with it' : '';
  const bytes = shards.reduce((sum, shard) => sum + shard.bytes, 0);
  const isScaled = latents.statistics !== undefined;
  const views = `${crops} ${crops === 1 ? 'crop' : 'crops'} of each image, ${mirrored ? 'each mirrored too' : 'none mirrored'}`;
  return {
    latents,
    rows: [
      ['latents', `${counted(images, 'image')} of ${imageShape.join('x')} as latents of ${shape.join('x')}`],
      ['autoencoder', autoencoderWords(autoencoder)],
      ['classes', listNames(classes, MOST_CLASSES)],
      ['stored', `${stored.replaceAll('-', ' ')}, ${views}`],
      ['scale', isScaled ? latentScaleWords(latents) : 'known once all images are encoded'],
      ['images in', `${data.path ?? data.source} (${data.source})`],
      ['files', `${shards.length} of ${counted(shardsInAll, 'shard')}, ${counted(bytes, 'byte')}${rest}`],
    ],
  };
}
