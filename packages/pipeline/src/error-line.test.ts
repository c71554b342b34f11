import { describe, expect, test } from 'vitest';
import { errorLine } from './error-line';

describe('errorLine', () => {
  test('adds the causes that say more, and leaves out those that were said', () => {
    const error = new Error('file.json: cannot be read', { cause: new Error('ENOENT: no such file') });
    expect(errorLine(error)).toBe('file.json: cannot be read: ENOENT: no such file');
    expect(errorLine(new Error('a: b', { cause: new Error('b') }))).toBe('a: b');
  });

  test('leaves out an error of the system whose code was said', () => {
    const cause = Object.assign(new Error("ENOENT: no such file or directory, open 'a'"), { code: 'ENOENT' });
    const error = new Error('a: cannot open: no such file or folder (ENOENT)', { cause });
    expect(errorLine(error)).toBe('a: cannot open: no such file or folder (ENOENT)');
    expect(errorLine(new Error('b (EACCES)', { cause }))).toBe(`b (EACCES): ${cause.message}`);
  });

  test('is one line, of four causes at the most, whatever was thrown', () => {
    expect(errorLine('text')).toBe('text');
    expect(errorLine(new RangeError(''))).toBe('RangeError');
    expect(errorLine(new Error('one\n   two'))).toBe('one two');
    const circular = new Error('round');
    circular.cause = circular;
    expect(errorLine(circular)).toBe('round');
    const deep = ['a', 'b', 'c', 'd', 'e'].reduceRight<Error | undefined>(
      (cause, text) => new Error(text, { cause }),
      undefined,
    );
    expect(errorLine(deep)).toBe('a: b: c: d');
  });

  test('asks the caller what an error says', () => {
    const error = new Error('outer', { cause: new TypeError('inner') });
    expect(errorLine(error, (each) => (each as Error).name)).toBe('Error: TypeError');
  });
});
