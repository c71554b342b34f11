// Damages the pickle in a file of torch.
import { bytesOf } from './torch-files.mjs';
import { readEntries, writeEntries } from './zip.mjs';

/** Puts opcodes into the pickle of a file of torch, and the archive's checksums right again. */
export function torchPickle(bytes, random) {
  const opcodes = [
    '0',
    '2',
    '(',
    ')',
    ']',
    '}',
    't',
    'l',
    'd',
    'a',
    'e',
    's',
    'u',
    'R',
    'b',
    'Q',
    'N',
    '1',
    '.',
    'h\0',
    'q\0',
    'K\x07',
    0x81,
    0x85,
    0x94,
  ];
  const damage = (pickled) => {
    const at = random.below(pickled.length);
    const stray = bytesOf(Array.from({ length: 1 + random.below(3) }, () => random.pick(opcodes)));
    return Buffer.concat([pickled.subarray(0, at), stray, pickled.subarray(at + random.below(2) * stray.length)]);
  };
  if (bytes[0] !== 0x50) return damage(Buffer.from(bytes));
  const entries = readEntries(bytes);
  return writeEntries(
    entries.map((entry) => (entry.name.endsWith('/data.pkl') ? { ...entry, content: damage(entry.content) } : entry)),
  );
}
