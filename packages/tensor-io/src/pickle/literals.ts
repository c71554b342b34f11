// Numbers and texts of protocol 0, which are lines of text.
import { PickleRefusal, wholeNumber } from './cursor';

const shownLine = (line: string) => JSON.stringify(line.length > 40 ? `${line.slice(0, 40)}…` : line);

/** The most digits of a whole number. */
const MAX_DIGITS = 600;

/** A whole number in decimal; an L behind it, as of Python 2, is left out. */
export function decimalInteger(line: string): number | bigint {
  const text = line.replace(/L$/, '');
  if (!/^[+-]?\d+$/.test(text) || text.length > MAX_DIGITS) {
    throw new PickleRefusal(`expected a whole number, got ${shownLine(line)}`);
  }
  return wholeNumber(BigInt(text.replace(/^\+/, '')));
}

/** What follows the opcode INT: `00` and `01` are False and True. */
export function intLine(line: string): number | bigint | boolean {
  if (line === '00' || line === '01') return line === '01';
  return decimalInteger(line);
}

/** A float as Python's `repr` writes it. */
export function decimalFloat(line: string): number {
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(line)) return Number(line);
  if (line === 'nan') return Number.NaN;
  if (/^[+-]?inf$/.test(line)) return line.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  throw new PickleRefusal(`expected a float, got ${shownLine(line)}`);
}

/** The characters behind a backslash in a string of Python 2. */
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\', "'": "'", '"': '"', n: '\n', r: '\r', t: '\t' };

/** A string as Python 2's `repr` writes it, of ASCII. */
export function quotedString(line: string): string {
  const [, , body] = /^(['"])(.*)\1$/s.exec(line) ?? [];
  const ascii = body !== undefined && /^[\x20-\x7e]*$/.test(body);
  if (!ascii) throw new PickleRefusal(`expected a quoted text, got ${shownLine(line)}`);
  return body.replace(/\\(x[0-9a-f]{2}|.?)/g, (_, sequence: string) => {
    const code = sequence.length === 3 ? Number.parseInt(sequence.slice(1), 16) : 0x80;
    const text = code < 0x80 ? String.fromCharCode(code) : ESCAPES[sequence];
    if (text === undefined) throw new PickleRefusal(`expected a quoted text of ASCII, got ${shownLine(line)}`);
    return text;
  });
}

/** A text in the coding "raw-unicode-escape": Latin-1, with \uXXXX and \UXXXXXXXX for all else. */
export function escapedText(line: string): string {
  return line.replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (_, short: string, long: string) => {
    const code = Number.parseInt(short ?? long, 16);
    if (code > 0x10ffff) throw new PickleRefusal(`expected a text, got ${shownLine(line)}`);
    return String.fromCodePoint(code);
  });
}
