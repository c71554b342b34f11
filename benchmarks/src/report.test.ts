import { expect, it as test } from 'vitest';
import { catalog } from './catalog';
import { replaceResults } from './report';

test('generated text goes between the marks, however often', () => {
  const page = 'before\n<!-- results -->\n<!-- /results -->\nafter\n';
  const once = replaceResults(page, 'one\n');
  expect(once).toBe('before\n<!-- results -->\none\n<!-- /results -->\nafter\n');
  expect(replaceResults(once, 'two')).toBe(once.replace('one', 'two'));
  expect(() => replaceResults('no marks', 'x')).toThrow('<!-- results -->');
});

test('no two comparisons of the catalogue have the same name and peer', () => {
  const keys = catalog.flatMap(({ name, peers, own }) =>
    [...peers, ...(own ? [own] : [])].map(({ label }) => `${name} ${label}`),
  );
  expect(new Set(keys).size).toBe(keys.length);
});
