import { describe, expect, test } from 'vitest';
import { errorLine } from './error-line';

describe('errorLine', () => {
  test('shows no control characters', () => {
    expect(errorLine(new Error("no class 'x\u001b[2J'\nnext line"))).toBe("no class 'x\\u001b[2J' next line");
  });

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
    const raw = Object.assign(new Error(cause.message), { code: 'ENOENT', syscall: 'open', path: 'a' });
    expect(errorLine(new Error('b', { cause: raw }))).toBe('b: no such file or folder (ENOENT)');
    expect(errorLine(raw)).toBe('a: no such file or folder (ENOENT)');
    const odd = Object.assign(new Error('EODD: odd'), { code: 'EODD', syscall: 'open' });
    expect(errorLine(odd)).toBe('EODD: odd');
  });

  test.each<[string, Error]>([
    ['in two lines', new Error('VipsJpeg: premature end\nVipsJpeg: premature end')],
    ['in two lines of which one was said', new Error('VipsJpeg: premature end\n  VipsJpeg: premature end  \n')],
    ['as it was said', new Error('VipsJpeg: premature end')],
    ['by its path', new Error('p.jpg: VipsJpeg: premature end')],
    ['by its own cause', new Error('p.jpg: cut off', { cause: new Error('VipsJpeg: premature end\n') })],
  ])('says nothing twice: a cause that repeats itself %s', (_, cause) => {
    const error = new Error('p.jpg: cut off (VipsJpeg: premature end); leave it out', { cause });
    expect(errorLine(error)).toBe('p.jpg: cut off (VipsJpeg: premature end); leave it out');
  });

  test('adds the lines of a cause that were not said, each once', () => {
    const cause = new Error('corrupt data\npremature end\ncorrupt data\nnothing left');
    expect(errorLine(new Error('a (premature end)', { cause }))).toBe('a (premature end): corrupt data nothing left');
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
