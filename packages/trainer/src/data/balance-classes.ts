import { classCounts, type ImageDataset, subset } from '@learngene/datasets';

/**
 * A view in which all classes have as many images as the largest: images of small classes come several times an
 * epoch, so that every class's tailors get as many samples.
 */
export function balanceClasses(dataset: ImageDataset): ImageDataset {
  const counts = classCounts(dataset);
  const most = counts.reduce((a, b) => Math.max(a, b), 0);
  const members: number[][] = dataset.classes.map(() => []);
  dataset.labels.forEach((label, index) => {
    members[label].push(index);
  });
  const indices = members.flatMap((own) =>
    Array.from({ length: own.length === 0 ? 0 : most }, (_, i) => own[i % own.length]),
  );
  return subset(dataset, indices);
}
