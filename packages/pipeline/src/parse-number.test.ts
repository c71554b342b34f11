import { expect, test } from 'vitest';
import { classList } from './parse-names';
import { finiteNumber, wholeNumber } from './parse-number';

test('numbers are read, and refused by name outside of their limits', () => {
  expect(wholeNumber('--n', 1)('12')).toBe(12);
  expect(finiteNumber('--x')('1e-3')).toBe(1e-3);
  expect(() => wholeNumber('--n', 1, 10)('11')).toThrow('--n: expected at most 10, got 11');
  for (const text of ['', ' ', '0', '1.5', 'x', '1e20']) {
    expect(() => wholeNumber('--n', 1)(text)).toThrow(`--n: expected a whole number of at least 1, got ${text}`);
  }
  for (const text of ['', '-1', 'Infinity', 'NaN']) {
    expect(() => finiteNumber('--x')(text)).toThrow(`--x: expected a number of at least 0, got ${text}`);
  }
});

test('names of classes have no colon but in a JSON array', () => {
  expect(classList('--classes', '--class')('a, b')).toEqual(['a', 'b']);
  expect(classList('--classes', '--class')('["a:b"]')).toEqual(['a:b']);
  expect(() => classList('--classes', '--class')('a:b')).toThrow('give such a name by --class');
  expect(() => classList('--classes', '--class')(',')).toThrow('--classes: expected at least one class, got none');
});
