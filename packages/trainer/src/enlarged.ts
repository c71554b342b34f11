import type { EnlargedImage, ImageDataset } from '@learngene/datasets';
import type { Progress } from '@learngene/pipeline';
import { counted } from '@learngene/pipeline';
import type { EnlargedRecord } from '@learngene/pipeline/node';

/** The record of image files that were enlarged; undefined where there are none. */
export function enlargedRecord(images: readonly Pick<EnlargedImage, 'width' | 'height'>[]): EnlargedRecord | undefined {
  if (images.length === 0) return undefined;
  const { width, height } = images.reduce((least, image) => (side(image) < side(least) ? image : least));
  return { images: images.length, smallest: [width, height] };
}

const side = ({ width, height }: Pick<EnlargedImage, 'width' | 'height'>) => Math.min(width, height);

/** The record of several sets of images together. */
export function enlargedInAll(records: readonly (EnlargedRecord | undefined)[]): EnlargedRecord | undefined {
  const known = records.filter((record) => record !== undefined);
  const least = enlargedRecord(known.map(({ smallest: [width, height] }) => ({ width, height })));
  return least && { ...least, images: known.reduce((sum, { images }) => sum + images, 0) };
}

/** Warns of image files that were enlarged: a model learns their blur. */
export function warnOfEnlarged(
  record: EnlargedRecord | undefined,
  { size, height, width }: Pick<ImageDataset, 'size' | 'height' | 'width'>,
  progress: Progress,
): void {
  if (record === undefined) return;
  const { images, smallest } = record;
  const are = images === 1 ? 'is' : 'are';
  const were = images === 1 ? 'was' : 'were';
  progress.warn(
    `${images} of ${counted(size, 'image')} ${are} smaller than ${width}x${height} (the smallest ${smallest.join('x')}) and ${were} enlarged: a model learns their blur`,
  );
}
