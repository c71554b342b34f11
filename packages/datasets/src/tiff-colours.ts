/** Tags of a TIFF's first directory (TIFF 6.0, section 8). */
const COMPRESSION = 259;
const PHOTOMETRIC = 262;
/** Photometric interpretation: luma and two differences of colour. */
const YCBCR = 6;
/** Compressions whose decoder turns such samples into RGB. */
const JPEG = [6, 7];

/**
 * Whether a file is a TIFF (or BigTIFF) of YCbCr samples outside JPEG data. libvips returns those as if they were RGB.
 */
export function isPlainYcbcrTiff(bytes: Uint8Array): boolean {
  const order = String.fromCharCode(...bytes.subarray(0, 2));
  if (bytes.length < 16 || (order !== 'II' && order !== 'MM')) return false;
  const little = order === 'II';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const big = view.getUint16(2, little) === 43;
  const size = big ? 20 : 12; // bytes of an entry
  const start = big ? Number(view.getBigUint64(8, little)) : view.getUint32(4, little);
  const head = big ? 8 : 2; // bytes of the count of entries
  if (start + head > bytes.length) return false;
  const count = big ? Number(view.getBigUint64(start, little)) : view.getUint16(start, little);
  let [compression, photometric] = [1, -1];
  for (let i = 0, at = start + head; i < count && at + size <= bytes.length; i++, at += size) {
    const tag = view.getUint16(at, little);
    if (tag === COMPRESSION) compression = view.getUint16(at + size - (big ? 8 : 4), little);
    if (tag === PHOTOMETRIC) photometric = view.getUint16(at + size - (big ? 8 : 4), little);
  }
  return photometric === YCBCR && !JPEG.includes(compression);
}
