import type { Config } from '@learngene/pipeline';

/** What of a recipe says which images are read; the rest says what is done with them. */
const PLACE_KEYS = [
  'source',
  'path',
  'size',
  'split',
  'variant',
  'classNames',
  'superclasses',
  'skinVariations',
  'minPerClass',
  'latents',
] as const;

/**
 * The data of a recipe that other data may be asked for on top of.
 *
 * @param otherData Whether other images are read than the recipe's: then it keeps only what is done with them.
 */
export function dataFromRecipe(recipe: Config['data'], otherData: boolean): Record<string, unknown> {
  const kept: Record<string, unknown> = { ...recipe };
  if (otherData) for (const key of PLACE_KEYS) delete kept[key];
  return kept;
}
