import { type KindModel, mixTailorsAsync } from '@learngene/kind';
import { ConfigError } from '../errors';
import { classLabels } from '../recipe/class-labels';
import { type DiffusionModel, isKindModel } from './guided-denoiser';

/** A class and its share of a mixture. */
export interface MixedClass {
  /** Name of the class. */
  readonly class: string;
  /** Its share, above 0; the shares add up to 1. */
  readonly weight: number;
}

/** What messages and files call a mixture: `owl 0.6 + cat 0.4`. */
export function mixtureName(parts: readonly MixedClass[]): string {
  return parts.map(({ class: name, weight }) => `${name} ${weight}`).join(' + ');
}

/**
 * Throws unless a mixture names classes of the model, each once, with weights that add up to 1.
 *
 * @param classNames - the name of every class, by class id.
 * @param argument - what named the mixture.
 * @returns the ids of its classes
 * @throws ConfigError naming what is wrong
 */
export function checkMixture(
  parts: readonly MixedClass[],
  classNames: readonly string[],
  argument = 'mixture',
): number[] {
  if (!Array.isArray(parts) || parts.some((part) => typeof part !== 'object' || part === null)) {
    throw new ConfigError(`${argument}: expected an array of { class, weight }, got ${JSON.stringify(parts)}`, {
      argument,
    });
  }
  const names = parts.map(({ class: name }) => name);
  if (names.some((name) => typeof name !== 'string')) {
    throw new ConfigError(`${argument}: expected the names of classes, got ${JSON.stringify(names)}`, { argument });
  }
  const ids = classLabels(classNames, names, { owner: 'the model', argument });
  const weights = parts.map(({ weight }) => weight);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  if (weights.every((weight) => weight > 0) && Math.abs(sum - 1) <= 1e-6) return ids;
  throw new ConfigError(`${argument}: expected weights above 0 that add up to 1, got ${weights.join(' + ')}`, {
    argument,
  });
}

/** What is drawn of a model. */
export interface DrawnClasses {
  /** The ids of the classes that are drawn, or that are mixed. */
  readonly ids: readonly number[];
  /** The classes with their shares, where they are mixed into one. */
  readonly mixture?: readonly MixedClass[];
  /** What is drawn, by name. */
  readonly names: readonly string[];
}

/**
 * The classes that are drawn: those that are named (default all), or with weights one mixture of them.
 *
 * @param asked - names of classes, and a share for each, in their order.
 * @param label - what a message calls them (default: as they are).
 * @throws ConfigError for unknown classes, and for weights that are not one for each class or do not add up to 1
 */
export function drawnClasses(
  classNames: readonly string[],
  asked: { readonly classes?: readonly string[]; readonly weights?: readonly number[] },
  label: (argument: 'classes' | 'weights') => string = (argument) => argument,
): DrawnClasses {
  const { classes, weights } = asked;
  if (weights === undefined) {
    const owner = { owner: 'the model', argument: label('classes') };
    const ids = classes === undefined ? classNames.map((_, id) => id) : classLabels(classNames, classes, owner);
    return { ids, names: ids.map((id) => classNames[id]) };
  }
  const argument = label('weights');
  if (weights.length !== classes?.length) {
    const wanted = `one for each of ${classes?.length ?? 0} named classes`;
    throw new ConfigError(`${argument}: expected ${wanted}, got ${weights.length}`, { argument });
  }
  const mixture = classes.map((name, i) => ({ class: name, weight: weights[i] }));
  const ids = checkMixture(mixture, classNames, argument);
  return { ids, mixture, names: [mixtureName(mixture)] };
}

/**
 * A model of one class that is mixed from classes of another: their tailors and label embeddings, weighted.
 *
 * @param ids - the ids of the classes, in the order of the parts.
 * @param model - not disposed; it has the tailors of the classes.
 * @returns a model whose class 0 is the mixture; the caller disposes it
 * @throws ConfigError for a dense DiT and for a soft gate
 */
export async function mixClasses(
  model: DiffusionModel,
  parts: readonly MixedClass[],
  ids: readonly number[],
): Promise<KindModel> {
  const argument = 'mixture';
  if (!isKindModel(model)) {
    throw new ConfigError(`${argument}: expected a model of learngenes and tailors, got a dense DiT`, { argument });
  }
  if (model.config.gate === 'soft') {
    throw new ConfigError(`${argument}: expected a model with a binary gate, got a soft gate, which mixes by itself`, {
      argument,
    });
  }
  const weighted = parts.map(({ weight }, i) => ({ class: ids[i], weight }));
  return mixTailorsAsync(model, [{ name: argument, parts: weighted }]);
}
