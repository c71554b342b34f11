import { parseConfig } from '@learngene/pipeline';
import { expect, test } from 'vitest';
import { dataFromRecipe } from './data-from-recipe';

test('other data replace the place of a recipe, another place keeps it', () => {
  const { data } = parseConfig(
    { data: { source: 'folder', path: '/a', size: 64, split: 'test', holdOut: 0.3, superclasses: { x: ['y'] } } },
    'test',
  );
  expect(dataFromRecipe(data, false)).toEqual(data);
  const other = dataFromRecipe(data, true);
  expect(other).toMatchObject({ holdOut: 0.3 });
  for (const key of ['source', 'path', 'size', 'split', 'superclasses']) expect(other).not.toHaveProperty(key);
});
