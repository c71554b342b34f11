/** A component of a frame: its number, and its blocks in a whole unit (MCU) of an interleaved scan. */
interface Component {
  readonly id: number;
  readonly across: number;
  readonly down: number;
}

/** What of the header the blocks of a scan depend on. */
interface Frame {
  readonly width: number;
  readonly height: number;
  readonly components: readonly Component[];
}

/** Codes of a table of Huffman codes by their next 16 bits: length << 8 | symbol; 0 for a code that is none. */
type Codes = Uint16Array;

/** Markers (ITU T.81, table B.1). */
const SOF0 = 0xc0;
const SOF1 = 0xc1;
const DHT = 0xc4;
const SOI = 0xd8;
const EOI = 0xd9;
const SOS = 0xda;
const DRI = 0xdd;

/**
 * Says what is wrong with the compressed data of a JPEG: damage inside of it. A decoder that loses its step comes into step again
 * soon, because Huffman codes are self-synchronising, and then paints all that follows at another place and in another colour; it
 * shows at the end, where blocks are missing or left. libvips does not report either of sequential scans.
 *
 * Baseline and extended sequential scans of 8 bits are read; of others (progressive ones, which libvips reads to their end, and
 * arithmetic codes) nothing is said. Bytes after the last block that are no blocks, which some cameras write, are no damage.
 *
 * @returns undefined where nothing is found
 */
export function jpegFault(jpeg: Uint8Array): string | undefined {
  const tables = new Map<number, Codes>();
  let frame: Frame | undefined;
  let interval = 0;
  let at = 2;
  if (jpeg[0] !== 0xff || jpeg[1] !== SOI) return undefined;
  while (at + 4 <= jpeg.length) {
    if (jpeg[at] !== 0xff) return undefined;
    const marker = jpeg[at + 1];
    if (marker === 0xff) {
      at++; // a fill byte
      continue;
    }
    if (marker === EOI) return undefined;
    const length = (jpeg[at + 2] << 8) | jpeg[at + 3];
    const segment = jpeg.subarray(at + 4, at + 2 + length);
    at += 2 + length;
    if (marker === DHT) readTables(segment, tables);
    else if (marker === DRI) interval = (segment[0] << 8) | segment[1];
    else if (marker === SOF0 || marker === SOF1) frame = frameOf(segment);
    else if (marker > SOF1 && marker < 0xd0 && marker !== 0xc8 && marker !== 0xcc)
      return undefined; // another process
    else if (marker === SOS) {
      if (frame === undefined || frame.height === 0) return undefined;
      const scan = readScan(jpeg, at, { frame, header: segment, tables, interval });
      if (scan === undefined || scan.fault !== undefined) return scan?.fault;
      at = scan.end;
    }
  }
  return undefined;
}

function frameOf(segment: Uint8Array): Frame | undefined {
  if (segment[0] !== 8) return undefined;
  const components = Array.from({ length: segment[5] }, (_, i): Component => {
    const [id, factors] = [segment[6 + 3 * i], segment[7 + 3 * i]];
    return { id, across: factors >> 4, down: factors & 15 };
  });
  if (components.some(({ across, down }) => !(across >= 1 && across <= 4 && down >= 1 && down <= 4))) return undefined;
  return { height: (segment[1] << 8) | segment[2], width: (segment[3] << 8) | segment[4], components };
}

/** Reads the tables of a segment: the number of codes of each length from 1 to 16, then their symbols (T.81, C.2). */
function readTables(segment: Uint8Array, tables: Map<number, Codes>): void {
  for (let at = 0; at + 17 <= segment.length; ) {
    const [id, counts] = [segment[at], segment.subarray(at + 1, at + 17)];
    const codes = new Uint16Array(1 << 16);
    let [code, symbol] = [0, at + 17];
    for (let length = 1; length <= 16; length++, code <<= 1) {
      for (let i = 0; i < counts[length - 1]; i++, code++, symbol++) {
        codes.fill((length << 8) | segment[symbol], code << (16 - length), (code + 1) << (16 - length));
      }
    }
    tables.set(id, codes);
    at = symbol;
  }
}

/** The blocks of a unit of a scan. */
interface Unit {
  /** The tables of each of its blocks, in their order; none where one is missing. */
  readonly tables: readonly (readonly [dc: Codes, ac: Codes])[];
  /** Units of the whole scan. */
  readonly count: number;
}

/** Which blocks a scan has (T.81, A.2): of one component those that hold pixels, of several whole units. */
function unitOf({ width, height, components }: Frame, header: Uint8Array, tables: ReadonlyMap<number, Codes>): Unit {
  const parts = Array.from({ length: header[0] }, (_, i) => {
    const component = components.find(({ id }) => id === header[1 + 2 * i]) ?? { id: 0, across: 1, down: 1 };
    const choice = header[2 + 2 * i];
    return { ...component, dc: tables.get(choice >> 4), ac: tables.get(16 | (choice & 15)) };
  });
  const most = (side: 'across' | 'down') => Math.max(...components.map((component) => component[side]));
  const [across, down] = [most('across'), most('down')];
  const blocks = parts.flatMap(({ dc, ac, ...part }) => {
    const each = parts.length === 1 ? 1 : part.across * part.down;
    return Array.from({ length: each }, () => [dc, ac] as const);
  });
  const isWhole = blocks.every(([dc, ac]) => dc !== undefined && ac !== undefined);
  const [only] = parts;
  const count =
    parts.length === 1
      ? Math.ceil(Math.ceil((width * only.across) / across) / 8) * Math.ceil(Math.ceil((height * only.down) / down) / 8)
      : Math.ceil(width / (8 * across)) * Math.ceil(height / (8 * down));
  return { tables: isWhole ? (blocks as [Codes, Codes][]) : [], count };
}

/** Fewer bytes after the last block may be blocks by chance. */
const LEAST_LEFT = 4;
const BETWEEN = 'its data and their restart markers do not fit';

/** Where the reading of a scan is. */
interface Cursor {
  /** The next byte that was not taken yet. */
  at: number;
  /** The next bits in its lowest places. */
  held: number;
  /** How many. */
  bits: number;
  /** How many of them, the last ones, are 1 bits in place of data that are not there. */
  madeUp: number;
}

/** Whether a marker, other than a byte 0xff of the data, or the end of the file is at a place. */
const isEnd = (jpeg: Uint8Array, at: number) => at >= jpeg.length || (jpeg[at] === 0xff && jpeg[at + 1] !== 0);

/** Takes bytes until 16 bits are held; after the end of the data 1 bits, as the padding has. */
function fill(jpeg: Uint8Array, cursor: Cursor): void {
  while (cursor.bits < 16) {
    const isOver = isEnd(jpeg, cursor.at);
    const byte = isOver ? 0xff : jpeg[cursor.at];
    if (isOver) cursor.madeUp += 8;
    else cursor.at += byte === 0xff ? 2 : 1;
    cursor.held = ((cursor.held << 8) | byte) & 0xffffff;
    cursor.bits += 8;
  }
}

/** Reads a block (T.81, F.2.2): false where a code is none or a coefficient too many, or the data are over. */
function readBlock(jpeg: Uint8Array, cursor: Cursor, [dc, ac]: readonly [Codes, Codes]): boolean {
  let { at, held, bits, madeUp } = cursor;
  let codes = dc;
  let isRead = true;
  for (let k = 0; k < 64; k++) {
    let size = 0;
    // A code, then the bits of its coefficient: 16 bits are enough for either.
    for (let part = 0; part < 2; part++) {
      while (bits < 16) {
        const byte = at < jpeg.length ? jpeg[at] : 0xff;
        if (byte !== 0xff) at++;
        else if (at < jpeg.length && jpeg[at + 1] === 0) at += 2;
        else madeUp += 8;
        held = ((held << 8) | byte) & 0xffffff;
        bits += 8;
      }
      if (part === 1) {
        bits -= size;
        break;
      }
      const found = codes[(held >> (bits - 16)) & 0xffff];
      bits -= found >> 8;
      size = found & 15;
      const run = (found & 0xff) >> 4;
      if (found === 0 || (k === 0 && run > 0)) isRead = false;
      else if (k > 0 && size === 0 && run < 15)
        k = 64; // the end of the block
      else if (k > 0) k += run;
      if (size === 0 || !isRead) break;
    }
    if (!isRead || (k > 63 && size > 0)) {
      isRead = false;
      break;
    }
    codes = ac;
  }
  cursor.at = at;
  cursor.held = held;
  cursor.bits = bits;
  cursor.madeUp = madeUp;
  return isRead;
}

/** Reads the blocks of a scan; undefined where its tables are not there, which the decoder reports. */
function readScan(
  jpeg: Uint8Array,
  start: number,
  scan: { frame: Frame; header: Uint8Array; tables: ReadonlyMap<number, Codes>; interval: number },
): { fault?: string; end: number } | undefined {
  const { tables, count } = unitOf(scan.frame, scan.header, scan.tables);
  if (tables.length === 0) return undefined;
  const cursor: Cursor = { at: start, held: 0, bits: 0, madeUp: 0 };
  const isSpent = () => cursor.madeUp > cursor.bits; // bits that are not there were read
  /** Whether more is left than the padding of a byte. */
  const more = () => cursor.bits - cursor.madeUp > 7 || !isEnd(jpeg, cursor.at);
  for (let unit = 0; unit < count; unit++) {
    if (scan.interval > 0 && unit > 0 && unit % scan.interval === 0) {
      fill(jpeg, cursor);
      const { at } = cursor;
      if (more() || !(jpeg[at] === 0xff && isRestart(jpeg[at + 1]))) return { fault: BETWEEN, end: at };
      Object.assign(cursor, { at: at + 2, held: 0, bits: 0, madeUp: 0 });
    }
    for (const own of tables) {
      const isRead = readBlock(jpeg, cursor, own);
      if (isSpent()) return { fault: 'its data end before its last block', end: cursor.at };
      if (!isRead) return { fault: 'a code of its data is none', end: cursor.at };
    }
  }
  // What is left: padding of less than a byte, or blocks.
  fill(jpeg, cursor);
  const end = cursor.at;
  if (!more()) return { end };
  for (let i = 0; more(); i = (i + 1) % tables.length) {
    if (!readBlock(jpeg, cursor, tables[i]) || isSpent()) return { end: nextMarker(jpeg, cursor.at) };
    fill(jpeg, cursor);
  }
  const { held, bits, madeUp, at } = cursor;
  const ones = (1 << (bits - madeUp)) - 1;
  if (at - end < LEAST_LEFT) return { end: at };
  return ((held >> madeUp) & ones) === ones ? { fault: 'blocks are left after its last one', end: at } : { end: at };
}

const isRestart = (marker: number) => marker >= 0xd0 && marker <= 0xd7;

/** The index of the next marker that is no restart. */
function nextMarker(jpeg: Uint8Array, from: number): number {
  let at = from;
  while (at < jpeg.length && (!isEnd(jpeg, at) || isRestart(jpeg[at + 1]))) at++;
  return at;
}
