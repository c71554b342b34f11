import { expect, test } from 'vitest';
import { ConfigError } from './errors';
import { parseNames } from './parse-names';

test.each([
  ['owl, fox ,,elk', ['owl', 'fox', 'elk']],
  [' ["tench, Tinca tinca", "a:b"]', ['tench, Tinca tinca', 'a:b']],
  ['', []],
  ['[]', []],
])('%s', (text, names) => expect(parseNames(text)).toEqual(names));

test.each([
  ['["owl"', 'expected names separated by commas or a JSON array, got ["owl"'],
  ['["owl", 3]', 'expected a JSON array of names, got ["owl", 3]'],
])('%s is refused', (text, message) => expect(() => parseNames(text)).toThrow(new ConfigError(message)));
