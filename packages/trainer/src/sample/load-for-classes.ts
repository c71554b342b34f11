import type { DiffusionModel } from '@learngene/pipeline';
import type { PathSource } from '@learngene/pipeline/node';

/**
 * Loads a model with the tailors of some classes. A binary gate needs no others, so of a bundle only their files are read; a
 * soft gate mixes the tailors of all groups.
 *
 * @param ids Numbers of the classes.
 * @returns the model with the numbers of all its classes; the caller disposes its parameters
 */
export function loadForClasses({ kind, load }: PathSource, ids: readonly number[]): Promise<DiffusionModel> {
  if (kind === undefined || kind.gate === 'soft') return load();
  return load(kind.groups.filter(({ classes }) => classes.some((id) => ids.includes(id))).map(({ name }) => name));
}
