import type { ByteSource } from '@learngene/tensor-io';
import { httpSource } from '@learngene/tensor-io';
import { fileSource } from '@learngene/tensor-io/node';
import { expandBraces } from './braces';
import { checkIndices, checkInteger } from './check';
import { DatasetFileError } from './errors';
import { type DecodeOptions, decodeImage } from './node-decode';
import { forEachParallel } from './node-pool';
import { groupSamples, type ShardSample, toClasses } from './shard-samples';
import { tarEntries } from './tar';
import type { EnlargedImage, ImageDataset } from './types';
import { windowSource } from './window-source';

/** Settings of {@link tarShards}. */
export interface ShardOptions extends DecodeOptions {
  /** What to call the dataset (default: the pattern). */
  readonly name?: string;
  /** Images read and decoded at a time, and shards listed at a time (default 4). */
  readonly concurrency?: number;
}

/** Bytes that are read together of a file on disk, and over the network, where every read waits for an answer. */
const WINDOW = { file: 2 ** 13, http: 2 ** 20 };

const isUrl = (shard: string) => /^https?:\/\//.test(shard);

/** Whether a path names tar shards: one archive, a pattern in braces, or either by HTTP. */
export function isShardPattern(path: string): boolean {
  return path.endsWith('.tar');
}

/** A shard whose files are listed. */
interface ListedShard {
  readonly shard: string;
  readonly size: number;
  readonly samples: readonly ShardSample[];
}

/**
 * A dataset of tar shards as WebDataset writes them: files with the same path up to the first dot of the name are one sample,
 * with an image (`jpg`, `jpeg`, `png`, `webp`) and its class in `cls` (a number), `json` (a `label`, number or text) or `txt` (a
 * name). The archives are listed once, by their headers; an image is read and decoded when it is asked for, from disk or by
 * HTTP range. Samples are in the order of the shards; how many are read at a time changes nothing.
 *
 * @param pattern - one archive, or several with braces: `train-{000000..000009}.tar`
 * @throws DatasetFileError for an archive that is missing or damaged, or a sample without image or class
 * @throws RangeError for a pattern that is none
 */
export async function tarShards(pattern: string, options: ShardOptions): Promise<ImageDataset> {
  const { name = pattern, concurrency = 4, size: side } = options;
  checkInteger('size', side, 1);
  checkInteger('concurrency', concurrency, 1);
  const shards = expandBraces(pattern);
  const listed: ListedShard[] = new Array(shards.length);
  const remote = new Map<string, ByteSource>();
  await forEachParallel(shards.length, concurrency, async (i) => {
    listed[i] = await withShard(shards[i], remote, (source) => listShard(source));
  });
  const starts = [0];
  for (const { samples } of listed) starts.push((starts.at(-1) as number) + samples.length);
  const size = starts.at(-1) as number;
  const { classes, labels } = toClasses(listed);
  const bytes = side * side * 3;
  const decoded = new Uint8Array(size);
  const placeOf = (index: number) => {
    const after = starts.findIndex((start) => start > index);
    return { ...listed[after - 1], sample: listed[after - 1].samples[index - starts[after - 1]] };
  };
  return {
    name,
    size,
    height: side,
    width: side,
    channels: 3,
    classes,
    labels,
    async read(indices, reading = {}) {
      checkIndices(indices, { name, size });
      const out = new Uint8Array(indices.length * bytes);
      const onEnlarged = (image: EnlargedImage) => {
        options.onEnlarged?.(image);
        reading.onEnlarged?.(image);
      };
      await forEachParallel(indices.length, concurrency, async (i) => {
        const { shard, size: whole, sample } = placeOf(indices[i]);
        const read = () =>
          withShard(shard, remote, (source) => {
            if (source.size !== whole) {
              throw new RangeError(`the archive had ${whole} bytes when it was listed, and has ${source.size} now`);
            }
            return source.read(sample.offset, sample.size);
          });
        const wasDecoded = decoded[indices[i]] === 1;
        const file = `${shard}/${sample.name}`;
        out.set(await decodeImage(file, read, { ...options, onEnlarged, wasDecoded }), i * bytes);
        decoded[indices[i]] = 1;
      });
      return out;
    },
  };
}

async function listShard(source: ByteSource): Promise<ListedShard> {
  const near = windowSource(source, isUrl(source.name) ? WINDOW.http : WINDOW.file);
  return { shard: source.name, size: source.size, samples: await groupSamples(near, tarEntries(near)) };
}

/** Opens a shard, and closes it again where it is a file: there may be more shards than a process may have open. */
async function withShard<T>(
  shard: string,
  remote: Map<string, ByteSource>,
  use: (source: ByteSource) => Promise<T>,
): Promise<T> {
  const source = await openShard(shard, remote);
  try {
    return await use(source);
  } catch (cause) {
    if (cause instanceof DatasetFileError || cause instanceof RangeError) throw cause;
    throw new DatasetFileError(shard, `expected an archive that can be read: ${(cause as Error).message}`, { cause });
  } finally {
    if (!isUrl(shard)) await source.close();
  }
}

async function openShard(shard: string, remote: Map<string, ByteSource>): Promise<ByteSource> {
  const known = remote.get(shard);
  if (known !== undefined) return known;
  try {
    if (!isUrl(shard)) return await fileSource(shard);
    const opened = await httpSource(shard);
    remote.set(shard, opened);
    return opened;
  } catch (cause) {
    throw new DatasetFileError(shard, `expected a tar archive: ${(cause as Error).message}`, { cause });
  }
}
