import { expect, test } from 'vitest';
import { errorLine } from './error-line';
import { printable } from './printable';

test.each([
  ['plain words, Käse, 猫, 👨‍👩‍👧', 'plain words, Käse, 猫, 👨‍👩‍👧'],
  ['a\u001b[31mred\nb\u007f', 'a\\u001b[31mred\\u000ab\\u007f'],
  ['abc\u202edef\u2066', 'abc\\u202edef\\u2066'],
])('%j is shown without control characters', (text, shown) => expect(printable(text)).toBe(shown));

test('an error shows none either', () => {
  expect(errorLine(new Error("no class 'x\u001b[2J'\nnext line"))).toBe("no class 'x\\u001b[2J' next line");
});
