// Ways to damage a file. Each takes the bytes and a source of random choices, and returns new bytes.
import { gunzipSync, gzipSync } from 'node:zlib';
import { torchPickle } from './torch.mjs';
import { hostileTorch } from './torch-hostile.mjs';

const HUGE = [0, 1, -1, 2 ** 31 - 1, 2 ** 32, 2 ** 53, 2 ** 53 + 2, 1e18, 1e308, -(2 ** 63), 0.5, 1e-320];
const STRANGE = [null, true, '', 'x', '../../etc/passwd', '\u0000', '__proto__', 'F32', '9'.repeat(400), [], {}, [[]]];
/** Numbers and texts that JSON.stringify cannot write. */
const RAW = ['NaN', '-Infinity', '1e999', '-0', '00', '0x10', "'a'", '"\\ud800"', '[1,]', '/* */', '"\\u0000"'];

const text = (bytes) => Buffer.from(bytes).toString('latin1');
const bytesOf = (value) => Buffer.from(value, 'latin1');

/** Where to strike: files have their structure at both ends, so these are struck more often. */
function position(length, { below, pick }) {
  const near = Math.min(length, 256);
  return pick([() => below(near), () => length - 1 - below(near), () => below(length)])();
}

function flipBits(bytes, random) {
  const out = Buffer.from(bytes);
  for (let i = 0; i <= random.below(8) && out.length > 0; i++) {
    out[position(out.length, random)] ^= 1 << random.below(8);
  }
  return out;
}

function truncate(bytes, { below, pick }) {
  return Buffer.from(bytes.subarray(0, pick([0, 1, below(16), bytes.length - 1, below(bytes.length + 1)])));
}

function extend(bytes, { below, pick }) {
  const extra = Buffer.alloc(pick([1, 7, below(5000)]), pick([0, 255, 'junk']));
  return pick([Buffer.concat([bytes, extra]), Buffer.concat([extra, bytes]), Buffer.concat([bytes, bytes])]);
}

/** Overwrites a 1, 2, 4 or 8 byte field with an extreme number of either byte order. */
function overwriteField(bytes, random) {
  const out = Buffer.from(bytes);
  const size = random.pick([1, 2, 4, 8]);
  if (out.length < size) return out;
  const fill = random.pick([0x00, 0xff, 0x7f, 0x80]);
  const start = Math.min(position(out.length, random), out.length - size);
  out.fill(fill, start, start + size);
  if (random.chance(0.5)) out[random.chance(0.5) ? start : start + size - 1] = random.below(256);
  return out;
}

function moveBlock(bytes, { below }) {
  const start = below(bytes.length + 1);
  const end = start + below(Math.min(bytes.length - start, 2000) + 1);
  const block = bytes.subarray(start, end);
  const rest = Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
  const to = below(rest.length + 1);
  return Buffer.concat([rest.subarray(0, to), block, rest.subarray(to)]);
}

/** Changes the header of an entry of a tar archive, mostly with a checksum that is right again. */
function tarHeader(bytes, random) {
  const out = Buffer.from(bytes);
  const headers = [];
  for (let at = 0; at + 512 <= out.length; at += 512)
    if (out.toString('latin1', at + 257, at + 262) === 'ustar') headers.push(at);
  if (headers.length === 0) return out;
  const at = random.pick(headers);
  const names = [
    '../../../etc/passwd',
    '/etc/passwd',
    'a'.repeat(100),
    '.',
    '',
    '\u0000x',
    '..jpg',
    'C:\\x.jpg',
    '__proto__.cls',
  ];
  const sizes = [
    '77777777777',
    '00000000000',
    '-1',
    'ffffffffffff',
    '\u0080\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff',
    '',
    '99',
    '00000100000',
  ];
  const [start, length, value] = random.pick([
    [0, 100, random.pick(names)],
    [124, 12, random.pick(sizes)],
    [156, 1, random.pick(['1', '2', '3', '5', '6', '7', 'x', 'g', 'L', 'K', 'S', '\u0000', 'Z'])],
    [257, 6, random.pick(['', 'xstar', 'ustar '])],
    [345, 155, random.pick(names)],
  ]);
  out.fill(0, at + start, at + start + length).write(value.slice(0, length), at + start, 'latin1');
  if (random.chance(0.1)) return out;
  out.fill(' ', at + 148, at + 156);
  const sum = out.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
  out.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
  return out;
}

/** Every place in a JSON value: the object or list that holds it, and its key. */
function places(value) {
  if (typeof value !== 'object' || value === null) return [];
  return Object.keys(value).flatMap((key) => [{ holder: value, key }, ...places(value[key])]);
}

/** Changes one place of a JSON text: another value, a key less, a key more, nesting, __proto__, text that is no JSON. */
function editJson(source, { below, pick, chance }) {
  const value = JSON.parse(source);
  const all = places(value);
  if (all.length === 0) return `[${source}]`;
  const { holder, key } = pick(all);
  const marker = '"\u2603 marker"';
  const raw = (replacement) => {
    holder[key] = JSON.parse(marker);
    return JSON.stringify(value).replace(marker, replacement);
  };
  const edits = [
    () => raw(JSON.stringify(pick(HUGE))),
    () => raw(JSON.stringify(pick(STRANGE))),
    () => raw(pick(RAW)),
    () => raw('['.repeat(20_000) + ']'.repeat(20_000)),
    () => raw(`{"__proto__": {"polluted": ${JSON.stringify(pick(STRANGE))}}}`),
    () => raw(JSON.stringify(pick(all).holder)),
    () => raw(`[${Array.from({ length: below(2000) }, () => pick(HUGE)).join(',')}]`),
    () => JSON.stringify(value).replace('{', `{"__proto__": ${pick(['1', '{}', '[]'])},`),
    () =>
      JSON.stringify(value).replace(`"${key}":`, `"${pick(['', 'extra', '__proto__', 'constructor', `${key} `])}":`),
    () => JSON.stringify(value).replace(`"${key}":`, `"${key}":1,"${key}":`),
    () => {
      if (Array.isArray(holder)) holder.splice(Number(key), 1, ...(chance(0.5) ? [] : [holder[key], holder[key]]));
      else delete holder[key];
      return JSON.stringify(value);
    },
  ];
  return pick(edits)();
}

const jsonFile = (bytes, random) => bytesOf(editJson(Buffer.from(bytes).toString('utf8'), random));

/** A safetensors header with one edit, mostly with its length put right. */
function safetensorsHeader(bytes, random) {
  const length = Number(Buffer.from(bytes).readBigUInt64LE(0));
  const header = bytesOf(editJson(text(bytes.subarray(8, 8 + length)), random));
  const lengths = [0n, 1n, BigInt(header.length - 1), BigInt(bytes.length), 2n ** 31n, 2n ** 53n + 1n, 2n ** 64n - 1n];
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(random.chance(0.2) ? random.pick(lengths) : BigInt(header.length));
  return Buffer.concat([size, header, bytes.subarray(8 + length)]);
}

/** Replaces a number, or a word, of the Python dict in an npy header. */
function npyHeader(bytes, random) {
  const dictEnd = text(bytes).indexOf('}') + 1;
  const head = text(bytes.subarray(0, dictEnd));
  const found = [...head.matchAll(/\d+|True|False|'[^']*'|\(|\)|,/g)].filter((match) => match.index >= 10);
  const target = random.pick(found);
  const other = random.pick([
    ...HUGE.map(String),
    ...RAW,
    "'|O'",
    "'<f2'",
    "'>i8'",
    '(',
    '()',
    '-1',
    'True',
    '9'.repeat(300),
  ]);
  const edited = head.slice(0, target.index) + other + head.slice(target.index + target[0].length);
  return Buffer.concat([bytesOf(edited), bytes.subarray(dictEnd)]);
}

/** Damages what is inside a gzip file. */
function insideGzip(bytes, random) {
  const damage = random.pick([flipBits, truncate, extend, overwriteField]);
  return gzipSync(damage(gunzipSync(bytes), random));
}

/** A gzip file of zeros that is a thousand times larger unpacked. */
const bomb = () => gzipSync(Buffer.alloc(64 * 2 ** 20));

const GENERIC = [flipBits, truncate, extend, overwriteField, moveBlock];

/** The mutations that fit a file, by its name. */
export function mutationsFor(name) {
  if (name.endsWith('.safetensors')) return [...GENERIC, safetensorsHeader, safetensorsHeader, safetensorsHeader];
  if (name.endsWith('.json')) return [flipBits, truncate, extend, jsonFile, jsonFile, jsonFile, jsonFile, jsonFile];
  if (name.endsWith('.tar')) return [...GENERIC, tarHeader, tarHeader, tarHeader, tarHeader, tarHeader];
  if (name === 'hostile.pt') return [hostileTorch];
  if (name.endsWith('.pt')) return [...GENERIC, torchPickle, torchPickle, torchPickle];
  if (name.endsWith('.npy')) return [...GENERIC, npyHeader, npyHeader, npyHeader];
  if (name.endsWith('.gz')) return [...GENERIC, insideGzip, insideGzip, insideGzip, bomb];
  return GENERIC;
}
