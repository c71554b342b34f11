import { classLabel, type ImageDataset, listNames } from '@learngene/datasets';
import type { Progress } from '@learngene/pipeline';
import { ConfigError, classLabels } from '@learngene/pipeline';

/** Options of {@link transferClasses}. */
export interface TransferChoice {
  /** The classes that were asked for; undefined where none were. */
  named?: readonly string[];
  /** The classes that the base knows. */
  known: readonly string[];
  /** The classes that the base's recipe keeps out; undefined where the data are not those of the recipe. */
  novel?: readonly string[];
}

/** More names than these are counted in a message, not listed. */
const MOST_LISTED = 40;

/**
 * Chooses the classes of a transfer: those that are named. Without names they are the classes that the recipe of the
 * base keeps out as novel, or, of other data, all classes. Warns of classes that the base knows already.
 *
 * @throws ConfigError where none is named and the recipe keeps none out, with the classes that the base does not know
 */
export function transferClasses(
  dataset: ImageDataset,
  { named, known, novel }: TransferChoice,
  progress: Progress,
): readonly string[] {
  const owner = { owner: dataset.name, argument: 'classes' };
  const chosen = named ?? (novel === undefined ? dataset.classes : ofRecipe(dataset, { known, novel }));
  const classes = classLabels(dataset.classes, chosen, owner).map((label) => dataset.classes[label]);
  const again = classes.filter((name) => classLabel(known, name) >= 0);
  if (again.length > 0) {
    progress.warn(
      `the base knows ${listNames(again, MOST_LISTED)} already; fresh tailors are trained for them all the same`,
    );
  }
  return classes;
}

/** The classes of the base's own data that its recipe keeps out. */
function ofRecipe(dataset: ImageDataset, { known, novel }: { known: readonly string[]; novel: readonly string[] }) {
  const kept = novel.filter((name) => classLabel(dataset.classes, name) >= 0);
  if (kept.length > 0) return kept;
  const unknown = dataset.classes.filter((name) => classLabel(known, name) < 0);
  const choice =
    unknown.length === 0
      ? 'the base knows all classes of the data'
      : `those that the base does not know are ${listNames(unknown, MOST_LISTED)}`;
  throw new ConfigError(
    `classes: expected the classes to teach, as the base's recipe keeps none out as novel, got none; ${choice}`,
    { argument: 'classes', code: 'class-needed' },
  );
}
