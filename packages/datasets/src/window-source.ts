import type { ByteSource } from '@learngene/tensor-io';

/** A source that reads at least `window` bytes at a time, so that headers that lie close come with one read. */
export function windowSource(source: ByteSource, window: number): ByteSource {
  let start = 0;
  let held = new Uint8Array(0);
  return {
    ...source,
    async read(offset, length) {
      if (length > window) return source.read(offset, length);
      if (offset < start || offset + length > start + held.length) {
        held = new Uint8Array(
          await source.read(offset, Math.min(Math.max(length, window), Math.max(length, source.size - offset))),
        );
        start = offset;
      }
      return held.slice(offset - start, offset - start + length);
    },
  };
}
