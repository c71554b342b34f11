import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Config, DATA_SOURCES, nearestWord } from '@learngene/pipeline';
import { isLatentFolder, isShardPattern } from '@learngene/trainer/node';
import { UsageError } from './errors';

type Data = Config['data'];
type Source = NonNullable<Data['source']>;

/** What `--data`, `--data-path` and `--latents` gave. */
export interface DataFlags {
  data?: string;
  dataPath?: string;
  latents?: string;
}

/** The words for the help of `--data`. */
export const dataWords = `a path (its kind is detected), or a kind of data: ${DATA_SOURCES.join(', ')}`;

function isSource(word: string): word is Source {
  return (DATA_SOURCES as readonly string[]).includes(word);
}

/**
 * The part of the configuration that `--data` and `--data-path` ask for. A path given by `--data` leaves the kind open,
 * to be detected; a folder of latents is told by what lies in it.
 *
 * @throws UsageError for a word that is neither a path nor a kind, with a kind that is near
 */
export function dataOfFlags({ data, dataPath, latents: folder }: DataFlags): Pick<Data, 'source' | 'path' | 'latents'> {
  const latents = folder === undefined ? {} : { latents: resolve(folder) };
  const path = dataPath === undefined || /^https?:/.test(dataPath) ? dataPath : resolve(dataPath);
  if (data === undefined) return { path, ...latents };
  if (isSource(data)) return { source: data, path, ...latents };
  if (isShardPattern(data) && (/[{]|^https?:/.test(data) || existsSync(data))) {
    if (dataPath === undefined) return { path: /^https?:/.test(data) ? data : resolve(data), ...latents };
  } else if (!existsSync(data)) {
    if (/[/\\.]/.test(data)) throw new UsageError(`--data ${data}: there is nothing at this path`);
    const nearest = nearestWord(data, DATA_SOURCES);
    const hint = nearest === undefined ? 'there is nothing at this path' : `did you mean ${nearest}?`;
    throw new UsageError(`--data ${data}: expected ${dataWords}; ${hint}`);
  }
  if (dataPath !== undefined) {
    throw new UsageError(
      `--data-path: --data ${data} is a path already; give one of them, or --data with a kind of data`,
    );
  }
  return isLatentFolder(data) ? { latents: resolve(data) } : { path: resolve(data), ...latents };
}
