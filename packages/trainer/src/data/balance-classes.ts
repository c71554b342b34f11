import { classCounts, type ImageDataset, subset } from '@learngene/datasets';

/**
 * Repeats images of small classes, so that every class has as many images as the largest one. The tailors of all
 * classes then get equally many samples in an epoch.
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
