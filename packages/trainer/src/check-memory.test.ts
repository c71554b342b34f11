import os from 'node:os';
import { ConfigError } from '@learngene/pipeline';
import { expect, test } from 'vitest';
import { checkMemory } from './check-memory';

test('an array that fits is taken; a larger one is refused by the name of its argument, with both sizes', () => {
  const most = Math.min(2 ** 32, os.totalmem());
  expect(() => checkMemory('count', 'images', most)).not.toThrow();
  expect(() => checkMemory('count', 'images', most + 1)).toThrow(ConfigError);
  expect(() => checkMemory('count', '9 images', 2 ** 33)).toThrow(
    /^count: 9 images need 8\.0 GiB in one piece, at most/,
  );
});
