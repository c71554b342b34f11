import { classCounts, type ImageDataset, listNames, subset } from '@learngene/datasets';
import { type Config, ConfigError, type Progress } from '@learngene/pipeline';
import { partOf } from './decode-data';

/** More names than these are counted in a message, not listed. */
const MOST_LISTED = 20;

/** At most so many images, as evenly over the classes as they allow, in the order of the dataset. */
export function spread(dataset: ImageDataset, most: number): ImageDataset {
  if (dataset.size <= most) return dataset;
  const seen = dataset.classes.map(() => 0);
  const places = Array.from(dataset.labels, (label, index) => ({ index, turn: seen[label]++ }));
  places.sort((a, b) => a.turn - b.turn || a.index - b.index);
  const chosen = places.slice(0, most).map(({ index }) => index);
  return subset(
    dataset,
    chosen.sort((a, b) => a - b),
  );
}

/**
 * The held-out images that the validation loss of a configuration is measured on; undefined where it asks for none.
 *
 * @param heldOut The held-out part of the images of a run.
 * @throws ConfigError where nothing is held out
 */
export function validationImages(heldOut: ImageDataset, { validation, data }: Config): ImageDataset | undefined {
  if (validation === undefined) return undefined;
  if (heldOut.size > 0) return spread(heldOut, validation.images ?? heldOut.size);
  const cause =
    data.holdOut === 0
      ? 'data.holdOut is 0'
      : `every class has too few images for data.holdOut ${data.holdOut} to hold one out`;
  throw new ConfigError(`validation: expected held-out images, got none: ${cause}`, { argument: 'validation' });
}

/**
 * Refuses a configuration whose validation loss the images cannot give, before any is decoded, and warns of classes that
 * have no part in it.
 *
 * @param view The images of a run, not yet decoded.
 * @throws ConfigError where nothing would be held out
 */
export function checkValidation(view: ImageDataset, config: Config, progress: Progress): void {
  if (config.validation === undefined) return;
  const images = validationImages(partOf(view, view.classes, config).heldOut, config) as ImageDataset;
  const counts = classCounts(images);
  const without = images.classes.filter((_, label) => counts[label] === 0);
  if (without.length === 0) return;
  progress.warn(`validation: no image is held out of ${listNames(without, MOST_LISTED)}; the loss leaves them out`);
}
