import { MAX_DIT_SIZE, MAX_PARAMETERS } from '@learngene/dit';
import { checkOptionNames } from './option-names';

/** A linear layer that KIND factors: [..., in] to [..., out], with a bias. */
export interface FactoredLayer {
  /** Dotted name in the tree of parameters, such as 'blocks.0.attn.q'. */
  readonly name: string;
  /** Input features. */
  readonly in: number;
  /** Output features. */
  readonly out: number;
  /** Rows of one sample that the layer is applied to, such as tokens; for counts of multiply-accumulates. */
  readonly tokens: number;
  /** Output features for Xavier initialisation, where the layer is a part of a wider matrix (default `out`). */
  readonly fanOut?: number;
}

/** Sizes of the axes of a tensor. */
export type Shape = readonly number[];

/**
 * What KIND needs to know of a network: which linear layers are factored, which dense parameters all classes share, and
 * which dense rows belong to a class. Plain JSON. The owner of the network writes the function that computes it; that
 * function calls back for every factored layer, see `applyGated`.
 */
export interface KindNetwork {
  /** Name of the kind of network, 1 to 200 characters. Whoever reads a bundle must give it. */
  readonly name: string;
  /** Number of classes; the id above the last one is the null label. */
  readonly classes: number;
  /** The factored layers, in the order of the forward pass. */
  readonly layers: readonly FactoredLayer[];
  /** Shape of every dense parameter that all classes share, by dotted name. */
  readonly shared: Readonly<Record<string, Shape>>;
  /**
   * Shape of one class's entry in every dense table whose rows belong to classes, by dotted name: label embeddings
   * `{ 'label.rows': [D] }`, the weight of a classifier's head `{ 'head.weight': [D] }`. A group holds a table
   * [classes of the group, ...shape] of its own.
   */
  readonly rows: Readonly<Record<string, Shape>>;
  /** Multiply-accumulates of one sample outside of the factored layers. */
  readonly denseMacs: number;
  /** The class embeddings that a soft gate reads. Without this field the gate must be binary. */
  readonly embedding?: {
    /** Name in `rows` of the table of class embeddings; its shape is [D]. */
    readonly rows: string;
    /** Name in `shared` of the embedding of the null label; its shape is [1, D]. */
    readonly null: string;
  };
}

/** The fields of a {@link KindNetwork} and of its layers, in the order of files. */
export const NETWORK_FIELDS = ['name', 'classes', 'layers', 'shared', 'rows', 'denseMacs', 'embedding'];
export const LAYER_FIELDS = ['name', 'in', 'out', 'tokens', 'fanOut'];

/** The most layers, and the most tensors of either table of shapes. */
const MAX_ENTRIES = 2 ** 16;
const MAX_RANK = 8;
const NAME = /^[A-Za-z0-9_-]{1,100}(\.[A-Za-z0-9_-]{1,100}){0,15}$/;

/** Throws on the first field of a description that is missing, unknown or out of range; the message names it. */
export function validateNetwork(network: KindNetwork): void {
  checkOptionNames('network', network, NETWORK_FIELDS);
  const { name, classes, layers, shared, rows, denseMacs, embedding } = network;
  if (typeof name !== 'string' || name.length < 1 || name.length > 200) {
    throw new Error(`network.name: expected 1 to 200 characters, got ${JSON.stringify(name)}`);
  }
  checkSize('network.classes', classes);
  if (!Array.isArray(layers) || layers.length < 1 || layers.length > MAX_ENTRIES) {
    throw new Error(`network.layers: expected 1 to ${MAX_ENTRIES} layers, got ${shown(layers)}`);
  }
  for (const [i, layer] of layers.entries()) checkLayer(`network.layers[${i}]`, layer);
  checkShapes('network.shared', shared);
  checkShapes('network.rows', rows);
  if (!Number.isSafeInteger(denseMacs) || denseMacs < 0) {
    throw new Error(`network.denseMacs: expected a whole number of at least 0, got ${String(denseMacs)}`);
  }
  checkDistinct('network.layers', [...layers.map((layer: FactoredLayer) => layer.name)]);
  checkDistinct('network.shared', Object.keys(shared));
  checkDistinct('network.rows', Object.keys(rows));
  checkApart(network);
  if (embedding !== undefined) checkEmbedding(network, embedding);
}

function checkLayer(at: string, layer: FactoredLayer): void {
  checkOptionNames(at, layer, LAYER_FIELDS);
  checkName(`${at}.name`, layer.name);
  for (const field of ['in', 'out', 'tokens'] as const) checkSize(`${at}.${field}`, layer[field], field === 'tokens');
  if (layer.fanOut !== undefined) checkSize(`${at}.fanOut`, layer.fanOut, true);
}

function checkShapes(at: string, shapes: Readonly<Record<string, Shape>>): void {
  if (typeof shapes !== 'object' || shapes === null || Array.isArray(shapes)) {
    throw new Error(`${at}: expected shapes by name, got ${shown(shapes)}`);
  }
  const entries = Object.entries(shapes);
  if (entries.length > MAX_ENTRIES) {
    throw new Error(`${at}: expected at most ${MAX_ENTRIES} tensors, got ${entries.length}`);
  }
  for (const [name, shape] of entries) {
    checkName(at, name);
    if (!Array.isArray(shape) || shape.length > MAX_RANK) {
      throw new Error(`${at}.${name}: expected at most ${MAX_RANK} sizes, got ${shown(shape)}`);
    }
    for (const size of shape) checkSize(`${at}.${name}`, size, true);
  }
}

/** Throws unless names are distinct and none is a prefix of another. */
function checkDistinct(at: string, names: readonly string[]): void {
  const known = new Set(names);
  if (known.size < names.length) {
    throw new Error(
      `${at}: expected each name once, got '${names.find((name, i) => names.indexOf(name) !== i)}' twice`,
    );
  }
  for (const name of names) {
    for (let dot = name.lastIndexOf('.'); dot > 0; dot = name.lastIndexOf('.', dot - 1)) {
      const above = name.slice(0, dot);
      if (known.has(above)) throw new Error(`${at}: expected names that are apart, got '${above}' and '${name}'`);
    }
  }
}

/** The first part of a dotted name. */
export const topOf = (name: string): string => name.split('.', 1)[0];

/**
 * Throws where a layer and a table of rows share the first part of their names (both lie in one tree), and where 'gate'
 * is taken.
 */
function checkApart({ layers, rows, shared }: KindNetwork): void {
  const tops = new Set(layers.map(({ name }) => topOf(name)));
  for (const name of Object.keys(rows)) {
    if (tops.has(topOf(name))) {
      throw new Error(`network.rows: expected names that do not begin as a layer's, got '${name}'`);
    }
  }
  const gate = Object.keys(shared).find((name) => topOf(name) === 'gate');
  if (gate !== undefined) throw new Error(`network.shared: '${gate}' is not allowed, 'gate' is the soft gate`);
}

function checkEmbedding({ rows, shared }: KindNetwork, embedding: { rows: string; null: string }): void {
  checkOptionNames('network.embedding', embedding, ['rows', 'null']);
  const own = Object.hasOwn(rows, embedding.rows) ? rows[embedding.rows] : undefined;
  if (own?.length !== 1) {
    throw new Error(`network.embedding.rows: expected a table of shape [D] in rows, got ${shown(embedding.rows)}`);
  }
  const none = Object.hasOwn(shared, embedding.null) ? shared[embedding.null] : undefined;
  if (none?.length !== 2 || none[0] !== 1 || none[1] !== own[0]) {
    throw new Error(`network.embedding.null: expected a tensor [1, ${own[0]}] in shared, got ${shown(embedding.null)}`);
  }
}

function checkName(at: string, name: string): void {
  if (typeof name !== 'string' || !NAME.test(name) || name.split('.').includes('__proto__')) {
    throw new Error(`${at}: expected dotted names of letters, digits, '_' and '-', got ${shown(name)}`);
  }
}

function checkSize(at: string, value: number, large = false): void {
  const most = large ? MAX_PARAMETERS : MAX_DIT_SIZE;
  if (!Number.isSafeInteger(value) || value < 1 || value > most) {
    throw new Error(`${at}: expected whole numbers from 1 to ${most}, got ${String(value)}`);
  }
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return `${value.length} entries`;
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : String(value);
}
