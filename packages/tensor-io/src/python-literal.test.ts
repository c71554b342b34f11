import { expect, test } from 'vitest';
import { parsePythonLiteral } from './python-literal';
import { TensorFileError } from './tensor-file-error';

test.each<[string, unknown]>([
  ["'<f4'", '<f4'],
  ['"a\'b"', "a'b"],
  [' True ', true],
  ['False', false],
  ['-12', -12],
  ['3L', 3],
  ['()', []],
  ['(3,)', [3]],
  ['(3)', 3],
  ['[3]', [3]],
  ['(2, 3)', [2, 3]],
  ["[('a', '<f4', (2,)), ]", [['a', '<f4', [2]]]],
  ['{}', new Map()],
  [
    '{\'__proto__\': (1,2,), "b" :True , }',
    new Map<string, unknown>([
      ['__proto__', [1, 2]],
      ['b', true],
    ]),
  ],
])('parses %s', (text, value) => {
  expect(parsePythonLiteral('x', text)).toEqual(value);
});

test.each([
  '',
  "'a",
  "'a\\n'",
  '1.5',
  'None',
  'true',
  '12345678901234567890',
  '(1 2)',
  '(,)',
  '(1,,)',
  '(1',
  '(1]',
  '{1: 2}',
  "{'a' 1}",
  "{'a': 1",
  "{'a': 1, 'a': 2}",
  '1 2',
  '__import__("os")',
  '('.repeat(100_000),
])('refuses %.40s', (text) => {
  expect(() => parsePythonLiteral('x.npy', text)).toThrow(TensorFileError);
  expect(() => parsePythonLiteral('x.npy', text)).toThrow(/^x\.npy: npy header at \d+: expected /);
});
