import { checkImages, type Images } from './images';

/**
 * Takes the first images of every class.
 *
 * @param images Class after class, each with `perClass` images.
 * @param perClass Images that each class has, at least 1.
 * @param most Images that are taken of each class; all of them where there are no more.
 * @returns the taken images, class after class, in bytes of their own
 * @throws RangeError where the images are not a whole number of classes
 */
export function takePerClass(images: Images, perClass: number, most: number): Images {
  checkImages(images);
  if (!Number.isSafeInteger(perClass) || perClass < 1 || images.count % perClass !== 0) {
    throw new RangeError(`perClass: expected a divisor of ${images.count} images, got ${perClass}`);
  }
  if (!Number.isSafeInteger(most) || most < 0) {
    throw new RangeError(`most: expected a whole number of at least 0, got ${most}`);
  }
  const size = images.height * images.width * images.channels;
  const kept = Math.min(most, perClass);
  const classes = images.count / perClass;
  const data = new Uint8Array(classes * kept * size);
  for (let label = 0; label < classes; label++) {
    const first = label * perClass;
    data.set(images.data.subarray(first * size, (first + kept) * size), label * kept * size);
  }
  return { ...images, data, count: classes * kept };
}
