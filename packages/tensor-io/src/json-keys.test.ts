import { expect, test } from 'vitest';
import { duplicateKey } from './json-keys';

test.each<[string, string | undefined]>([
  ['{}', undefined],
  ['{"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}]}', undefined],
  ['{"a":1,"a":1}', 'a'],
  ['{"a":1,"\\u0061":1}', 'a'],
  ['{"x":{"y":[0,{"z":1,"w":{},"z":2}]}}', 'z'],
  ['{"a":"b:","b:":"a","c":"\\"a\\":"}', undefined],
  ['{"\\\\":1,"\\\\\\"":2,"\\\\":3}', '\\'],
  ['{"__proto__":1,"__proto__":2}', '__proto__'],
  ['["a","a"]', undefined],
])('%s', (text, key) => {
  JSON.parse(text);
  expect(duplicateKey(text)).toBe(key);
});
