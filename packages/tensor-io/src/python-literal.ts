import { quoted, TensorFileError } from './tensor-file-error';

/** A Python literal as npy headers hold it; tuples become arrays. */
export type PythonLiteral = string | boolean | number | readonly PythonLiteral[] | ReadonlyMap<string, PythonLiteral>;

const MAX_DEPTH = 8;

/** Where a parse stands. */
interface Cursor {
  readonly file: string;
  readonly text: string;
  at: number;
}

function fail(cursor: Cursor, expected: string): never {
  const got = cursor.text.slice(cursor.at, cursor.at + 20) || 'the end';
  const problem = `npy header at ${cursor.at}: expected ${expected}, got ${quoted(got)}`;
  // Only a part of Python's syntax is read. A record's field names may be written in other ways; that is not an error.
  throw new TensorFileError(cursor.file, problem, { unreadable: true });
}

function match(cursor: Cursor, pattern: RegExp): string | undefined {
  pattern.lastIndex = cursor.at;
  const found = pattern.exec(cursor.text)?.[0];
  if (found !== undefined) cursor.at += found.length;
  return found;
}

/** The next character other than white space, left unread. */
function peek(cursor: Cursor): string {
  match(cursor, /[ \t\n\r]+/y);
  return cursor.text.charAt(cursor.at);
}

function parseString(cursor: Cursor): string {
  const text = match(cursor, /'[^'\\\n]*'|"[^"\\\n]*"/y);
  return text === undefined ? fail(cursor, 'a string without escapes') : text.slice(1, -1);
}

function parseWord(cursor: Cursor): boolean | number {
  const word = match(cursor, /True|False|-?\d{1,16}L?/y);
  if (word === undefined) return fail(cursor, 'True, False or a whole number');
  if (/[TF]/.test(word)) return word === 'True';
  return Number(word.replace('L', ''));
}

/** Parses `item, item, …` up to `end`; a comma may stand before the end. Returns the items and the number of commas. */
function parseItems(cursor: Cursor, end: string, item: () => void): number {
  cursor.at++;
  for (let commas = 0; ; commas++) {
    if (peek(cursor) === end) {
      cursor.at++;
      return commas;
    }
    item();
    const next = peek(cursor);
    if (next !== ',' && next !== end) return fail(cursor, `, or ${end}`);
    cursor.at++;
    if (next === end) return commas;
  }
}

function parseDict(cursor: Cursor, depth: number): Map<string, PythonLiteral> {
  const dict = new Map<string, PythonLiteral>();
  parseItems(cursor, '}', () => {
    const key = parseString(cursor);
    if (dict.has(key)) fail(cursor, `${quoted(key)} once`);
    if (peek(cursor) !== ':') fail(cursor, ':');
    cursor.at++;
    dict.set(key, parseValue(cursor, depth + 1));
  });
  return dict;
}

function parseValue(cursor: Cursor, depth: number): PythonLiteral {
  if (depth > MAX_DEPTH) fail(cursor, `at most ${MAX_DEPTH} levels`);
  const start = peek(cursor);
  if (start === '{') return parseDict(cursor, depth);
  if (start === '(' || start === '[') {
    const items: PythonLiteral[] = [];
    const commas = parseItems(cursor, start === '(' ? ')' : ']', () => items.push(parseValue(cursor, depth + 1)));
    // In Python (3) is the number 3, not a tuple.
    return start === '(' && commas === 0 && items.length === 1 ? items[0] : items;
  }
  return start === "'" || start === '"' ? parseString(cursor) : parseWord(cursor);
}

/**
 * Parses one Python literal of strings, whole numbers, booleans, tuples, lists and dicts. Nothing may follow it. No
 * code is run.
 */
export function parsePythonLiteral(file: string, text: string): PythonLiteral {
  const cursor: Cursor = { file, text, at: 0 };
  const value = parseValue(cursor, 0);
  if (peek(cursor) !== '') fail(cursor, 'nothing more');
  return value;
}
