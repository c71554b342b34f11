import fc from 'fast-check';
import { expect, test } from 'vitest';
import { base64 } from './base64';

test('encodes as Node does, whatever the bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
      expect(base64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
    }),
  );
});

test.each([8191, 8192, 8193, 100_000])('encodes %i bytes, in several parts', (length) => {
  const bytes = Uint8Array.from({ length }, (_, i) => (i * 131) % 256);
  expect(base64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
});
