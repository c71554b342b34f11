import { expect, test } from 'vitest';
import { csv } from './csv';

test('texts are quoted where they must be, numbers keep all their digits', () => {
  const text = csv(
    ['run', 'loss'],
    [
      ['a,b', 0.1 + 0.2],
      ['say "x"', undefined],
      ['two\nlines', 1e-9],
    ],
  );
  expect(text).toBe('run,loss\r\n"a,b",0.30000000000000004\r\n"say ""x""",\r\n"two\nlines",1e-9\r\n');
});

test('a row of another length is refused', () => {
  expect(() => csv(['a', 'b'], [['1', '2'], ['1']])).toThrow('rows[1]: expected 2 cells, as the header has, got 1');
});
