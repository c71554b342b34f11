import type { ByteSource } from '@learngene/tensor-io';
import { DatasetFileError } from './errors';
import type { TarEntry } from './tar';

/** A sample of a shard: where its image lies, and its class as it stands there. */
export interface ShardSample extends TarEntry {
  /** The number of the class, or its name. */
  readonly label: number | string;
}

const IMAGES = ['jpg', 'jpeg', 'png', 'webp'];
const LABELS = ['cls', 'json', 'txt'];
/** More than any label or its description takes. */
const LONGEST_LABEL = 2 ** 20;
/** More classes than any dataset has. A larger label means a broken file, and would need as many class names. */
const MOST_CLASSES = 2 ** 20;

/**
 * Groups the files of a shard to samples, and reads the class of each: files that follow each other and have the same path up to
 * the first dot of the name are one. Files of other endings are passed over.
 *
 * @throws DatasetFileError for a sample without exactly one image, without a class, or whose class is none
 */
export async function groupSamples(source: ByteSource, entries: AsyncIterable<TarEntry>): Promise<ShardSample[]> {
  const samples: ShardSample[] = [];
  const keys = new Set<string>();
  let key: string | undefined;
  let files: Map<string, TarEntry> = new Map();
  const finish = async () => {
    if (key === undefined) return;
    if (keys.has(key))
      throw new DatasetFileError(source.name, `expected the files of a sample together, got ${key} again`);
    keys.add(key);
    samples.push(await sampleOf(source, key, files));
  };
  for await (const entry of entries) {
    const { key: own, ending } = splitName(entry.name);
    if (own === undefined) continue;
    if (own !== key) {
      await finish();
      key = own;
      files = new Map();
    }
    if (files.has(ending)) throw new DatasetFileError(source.name, `expected every file once, got ${entry.name} again`);
    files.set(ending, entry);
  }
  await finish();
  if (samples.length === 0) throw new DatasetFileError(source.name, 'expected samples, got none');
  return samples;
}

/** The path up to the first dot of the name, and the ending after it; a name without either is of no sample. */
function splitName(path: string): { key?: string; ending: string } {
  const slash = path.lastIndexOf('/') + 1;
  const dot = path.indexOf('.', slash);
  if (dot <= slash) return { ending: '' };
  return { key: path.slice(0, dot), ending: path.slice(dot + 1).toLowerCase() };
}

async function sampleOf(source: ByteSource, key: string, files: ReadonlyMap<string, TarEntry>): Promise<ShardSample> {
  const fail = (problem: string): never => {
    throw new DatasetFileError(source.name, `sample ${JSON.stringify(key.slice(0, 100))}: ${problem}`);
  };
  const found = IMAGES.filter((ending) => files.has(ending));
  const got = [...files.keys()].slice(0, 8).join(', ');
  if (found.length !== 1) fail(`expected one image (${IMAGES.join(', ')}), got ${got}`);
  const image = files.get(found[0]) as TarEntry;
  const ending = LABELS.find((name) => files.has(name));
  if (ending === undefined) return fail(`expected a class (${LABELS.join(', ')}), got ${got}`);
  const { offset, size } = files.get(ending) as TarEntry;
  if (size > LONGEST_LABEL) fail(`expected a ${ending} of at most ${LONGEST_LABEL} bytes, got ${size}`);
  const text = new TextDecoder().decode(await source.read(offset, size)).trim();
  return { ...image, label: labelOf(ending, text, fail) };
}

function labelOf(ending: string, text: string, fail: (problem: string) => never): number | string {
  let label: unknown = text;
  if (ending === 'cls') label = /^\d{1,9}$/.test(text) ? Number(text) : undefined;
  if (ending === 'json') {
    try {
      label = (JSON.parse(text) as { label?: unknown } | null)?.label;
    } catch {
      label = undefined;
    }
  }
  if (typeof label === 'string' && label !== '') return label;
  if (typeof label === 'number' && Number.isInteger(label) && label >= 0 && label < MOST_CLASSES) return label;
  const expected = ending === 'cls' ? 'a number' : ending === 'json' ? '{"label": ...}' : 'a name';
  return fail(`${ending}: expected ${expected} of a class, got ${JSON.stringify(text.slice(0, 40))}`);
}

/** The classes of all shards: `'0'`, `'1'`, ... up to the largest number, or the names, sorted. */
export function toClasses(shards: readonly { readonly shard: string; readonly samples: readonly ShardSample[] }[]): {
  classes: string[];
  labels: Int32Array;
} {
  const all = shards.flatMap(({ samples }) => samples.map(({ label }) => label));
  const areNumbers = typeof all[0] === 'number';
  for (const { shard, samples } of shards) {
    const other = samples.find(({ label }) => (typeof label === 'number') !== areNumbers);
    if (other === undefined) continue;
    const [expected, got] = areNumbers ? ['numbers', 'a name'] : ['names', 'a number'];
    throw new DatasetFileError(
      shard,
      `expected ${expected} of classes as in ${shards[0].shard}, got ${got} for ${other.name}`,
    );
  }
  if (areNumbers) {
    const largest = all.reduce<number>((most, label) => Math.max(most, label as number), 0);
    return { classes: Array.from({ length: largest + 1 }, (_, i) => `${i}`), labels: Int32Array.from(all as number[]) };
  }
  const names = new Set(all.map((label) => (label as string).normalize('NFC')));
  const classes = [...names].sort();
  const labelOfName = new Map(classes.map((name, label) => [name, label]));
  return {
    classes,
    labels: Int32Array.from(all, (label) => labelOfName.get((label as string).normalize('NFC')) as number),
  };
}
