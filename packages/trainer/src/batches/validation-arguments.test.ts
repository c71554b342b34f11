import { expect, test } from 'vitest';
import { validationSet } from './validation';

test.each([[{ seed: 1 }], [undefined]])('validationSet refuses a third argument, %j', async (more) => {
  await expect(validationSet({} as never, {} as never, more as never)).rejects.toThrow(
    'validationSet: expected 2 arguments, got 3',
  );
});
