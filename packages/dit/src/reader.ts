import type { TensorData } from '@learngene/tensor-io';
import { type DitConfig, validateDitConfig } from './config';
import { importEntries, sameNumbers, splitRows } from './convert';
import { ditFromFacebook } from './facebook';
import { ditLayout } from './infer';
import { diffusersEntries, FACEBOOK_LABELS, facebookEntries, type LayoutEntry, ownShapes } from './layouts';

/** A checkpoint of which one tensor at a time is read, as the files of `@learngene/tensor-io` are. */
export interface LazyTensors {
  /** Names of all its tensors. */
  readonly names: readonly string[];
  /** Element type and shape of a tensor, without reading it. */
  info(name: string): Pick<TensorData, 'dtype' | 'shape'>;
  /** Reads a tensor. */
  read(name: string): Promise<TensorData>;
}

/** Reads a tensor of a DiT by our name: 'blocks.0.attn.q.weight'. The result may be a view of a larger tensor. */
export type DitReader = (name: string) => Promise<TensorData>;

const keyEntries = (config: DitConfig): LayoutEntry[] =>
  [...ownShapes(config)].map(([key, shape]) => ({ key, shape, names: [key] }));

/**
 * Reads a checkpoint in any of the three layouts a tensor at a time, so that a model of which only some layers fit into memory can
 * be worked on. Names, shapes, the position table of facebookresearch/DiT and the copies of diffusers' embedders are checked before
 * anything else is read. Where the label table of facebookresearch/DiT has no row of the null label, that row is the mean of the
 * others, as `ditFromFacebook` makes it.
 *
 * @throws on a missing or unexpected key, a wrong shape, another position table and unequal copies; the message names the key
 */
export async function ditReader(file: LazyTensors, config: DitConfig): Promise<DitReader> {
  validateDitConfig(config);
  const shapes = new Map(file.names.map((name) => [name, hollow(file.info(name))]));
  const layout = ditLayout(shapes);
  const given = new Map<string, TensorData>();
  let entries = keyEntries(config);
  if (layout === 'facebook') {
    entries = facebookEntries(config);
    for (const key of ['pos_embed', FACEBOOK_LABELS]) if (shapes.has(key)) shapes.set(key, await file.read(key));
    const nullRow = shapes.get(FACEBOOK_LABELS)?.shape[0] === config.classes ? 'mean' : 'file';
    given.set('label.table', ditFromFacebook(shapes, config, { nullRow }).get('label.table')!);
  } else {
    if (layout === 'diffusers') entries = diffusersEntries(config);
    importEntries(shapes, entries, { layout });
    if (layout === 'diffusers') await checkCopies(file, entries);
  }
  return readerOf(file, entries, given);
}

/** A tensor without its numbers, of which only the shape is looked at. */
function hollow({ dtype, shape }: Pick<TensorData, 'dtype' | 'shape'>): TensorData {
  return { dtype, shape, data: new Uint8Array(0) } as unknown as TensorData;
}

/** Reads the copies of every embedder, two at a time. */
async function checkCopies(file: LazyTensors, entries: readonly LayoutEntry[]): Promise<void> {
  for (const copies of grouped(entries).values()) {
    if (copies.length < 2) continue;
    const first = await file.read(copies[0].key);
    for (const { key } of copies.slice(1)) {
      if (sameNumbers(first, await file.read(key))) continue;
      throw new Error(`${key}: expected the same numbers as ${copies[0].key}, got others`);
    }
  }
}

/** Entries by their first name. */
function grouped(entries: readonly LayoutEntry[]): Map<string, LayoutEntry[]> {
  const groups = new Map<string, LayoutEntry[]>();
  for (const entry of entries) groups.set(entry.names[0], [...(groups.get(entry.names[0]) ?? []), entry]);
  return groups;
}

function readerOf(
  file: LazyTensors,
  entries: readonly LayoutEntry[],
  given: ReadonlyMap<string, TensorData>,
): DitReader {
  const places = new Map<string, { entry: LayoutEntry; part: number }>();
  for (const entry of entries) {
    entry.names.forEach((name, part) => {
      if (!places.has(name)) places.set(name, { entry, part });
    });
  }
  // Weights and biases of q, k and v are parts of two tensors, which are asked for in turn.
  let recent: { key: string; parts: TensorData[] }[] = [];
  return async (name) => {
    const known = given.get(name);
    if (known !== undefined) return known;
    const place = places.get(name);
    if (place === undefined) throw new Error(`name: expected a parameter of this config, got '${name}'`);
    const { entry, part } = place;
    const held = recent.find(({ key }) => key === entry.key);
    if (held !== undefined) return held.parts[part];
    recent = recent.slice(-1);
    const parts = splitRows(await file.read(entry.key), entry.names.length);
    if (parts.length > 1) recent.push({ key: entry.key, parts });
    return parts[part];
  };
}
