/** Bytes of a JPEG that belong to no segment, as a decoder reports them. */
export interface StrayBytes {
  /** How many they are. */
  readonly count: number;
  /** The second byte of the marker that follows them, e.g. 0xd9. */
  readonly marker: number;
}

/** Start of a scan: the only segment that is followed by compressed data. */
const SOS = 0xda;
/** Markers without a length: the restart markers, the start and the end of the image. */
const isBare = (code: number) => code >= 0xd0 && code <= 0xd9;
const isRestart = (code: number) => code >= 0xd0 && code <= 0xd7;

/**
 * Removes the first bytes before a marker that belong to no segment. libjpeg, Pillow and browsers skip them, although
 * only fill bytes may stand there (ITU T.81, B.1.1.2). Returns undefined where there are no such bytes.
 */
export function withoutStrayBytes(jpeg: Uint8Array, { count, marker }: StrayBytes): Uint8Array | undefined {
  let at = 2; // behind the start of the image
  let inScan = false;
  while (at < jpeg.length) {
    const found = nextMarker(jpeg, at, inScan);
    if (found === undefined) return undefined;
    const stray = found.start - at;
    if (jpeg[found.end] === marker && (inScan ? stray >= count : stray === count)) {
      const rest = new Uint8Array(jpeg.length - count);
      rest.set(jpeg.subarray(0, found.start - count));
      rest.set(jpeg.subarray(found.start), found.start - count);
      return rest;
    }
    const code = jpeg[found.end];
    at = found.end + 1;
    if (!isBare(code)) at += (jpeg[at] << 8) | jpeg[at + 1];
    inScan = code === SOS;
  }
  return undefined;
}

/**
 * Finds the next marker at or after `from`: the index of its first 0xff, and its second byte. Restart markers within a
 * scan count as data.
 */
function nextMarker(jpeg: Uint8Array, from: number, inScan: boolean): { start: number; end: number } | undefined {
  for (let start = from; start < jpeg.length; start++) {
    if (jpeg[start] !== 0xff) continue;
    let end = start + 1;
    while (jpeg[end] === 0xff) end++;
    if (end >= jpeg.length) return undefined;
    if (jpeg[end] !== 0 && !(inScan && isRestart(jpeg[end]))) return { start, end };
    start = end;
  }
  return undefined;
}
