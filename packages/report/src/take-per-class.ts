import type { Pictures } from './image-grid';

/** The first `some` pictures of every class (or all of them), class after class, where each has `each`. */
export function firstOfEach(pictures: Pictures, each: number, some: number): Pictures {
  const { height, width, channels } = pictures;
  const size = height * width * channels;
  const kept = Math.min(some, each);
  const classes = pictures.count / each;
  const data = new Uint8Array(classes * kept * size);
  for (let label = 0; label < classes; label++) {
    data.set(pictures.data.subarray(label * each * size, (label * each + kept) * size), label * kept * size);
  }
  return { data, count: classes * kept, height, width, channels };
}
