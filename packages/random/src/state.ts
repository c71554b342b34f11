import { type Generator, TABLE_SIZE } from './generator';

/** The whole state of a generator, in a form that `JSON.stringify` keeps exactly; about 3.4 kB. */
export interface GeneratorState {
  /** The algorithm, and the version of this format. */
  readonly kind: 'mt19937/1';
  /** The seed, from which sub-streams are derived. */
  readonly seed: number;
  /** Words of the table that are used up, 0..624. */
  readonly position: number;
  /** The second value of the last Box-Muller pair, where one is left. */
  readonly spareNormal: number | null;
  /** The 624 words, little-endian, in base64. */
  readonly table: string;
}

/** Returns the state of `g`, and does not move `g` on. */
export function saveGenerator(g: Generator): GeneratorState {
  const bytes = new Uint8Array(4 * TABLE_SIZE);
  const view = new DataView(bytes.buffer);
  g.table.forEach((word, i) => {
    view.setUint32(4 * i, word, true);
  });
  const table = btoa(String.fromCharCode(...bytes));
  return { kind: 'mt19937/1', seed: g.seed, position: g.position, spareNormal: g.spareNormal, table };
}

/**
 * Makes a generator that continues where the saved one was.
 *
 * @throws TypeError where `state` is not what {@link saveGenerator} gives
 */
export function restoreGenerator(state: GeneratorState): Generator {
  const fail = (field: string, expected: string, got: unknown): never => {
    throw new TypeError(`state${field}: expected ${expected}, got ${JSON.stringify(got)?.slice(0, 40)}`);
  };
  if (typeof state !== 'object' || state === null) fail('', 'a saved generator', state);
  const { kind, seed, position, spareNormal, table } = state;
  if (kind !== 'mt19937/1') fail('.kind', '"mt19937/1"', kind);
  if (!Number.isSafeInteger(seed)) fail('.seed', 'a safe integer', seed);
  if (!Number.isInteger(position) || position < 0 || position > TABLE_SIZE) {
    fail('.position', `an integer from 0 to ${TABLE_SIZE}`, position);
  }
  if (spareNormal !== null && !Number.isFinite(spareNormal)) fail('.spareNormal', 'a number or null', spareNormal);
  return { seed, table: decodeTable(table), position, spareNormal };
}

function decodeTable(text: string): Uint32Array {
  let binary = '';
  try {
    binary = atob(text);
  } catch {
    // Reported below: no bytes.
  }
  if (typeof text !== 'string' || binary.length !== 4 * TABLE_SIZE) {
    throw new TypeError(`state.table: expected ${4 * TABLE_SIZE} bytes in base64, got ${binary.length}`);
  }
  const view = new DataView(Uint8Array.from(binary, (character) => character.charCodeAt(0)).buffer);
  const table = Uint32Array.from({ length: TABLE_SIZE }, (_, i) => view.getUint32(4 * i, true));
  // MT19937 never leaves zero: of the first word only the top bit counts.
  if ((table[0] & 0x80000000) === 0 && table.every((word, i) => i === 0 || word === 0)) {
    throw new TypeError('state.table: expected a table that is not all zero, got zeros');
  }
  return table;
}
