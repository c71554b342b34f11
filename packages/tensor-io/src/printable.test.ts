import { expect, test } from 'vitest';
import { isPrintable, printable } from './printable';

test.each([
  ['plain words, Käse, 猫, 👨‍👩‍👧', 'plain words, Käse, 猫, 👨‍👩‍👧'],
  ['a\u001b[31mred\nb\u007f', 'a\\u001b[31mred\\u000ab\\u007f'],
  ['abc\u202edef\u2066', 'abc\\u202edef\\u2066'],
])('%j is shown without control characters', (text, shown) => {
  expect(printable(text)).toBe(shown);
  expect(isPrintable(text)).toBe(text === shown);
  expect(isPrintable(shown)).toBe(true);
});
