import { kernelDistance } from '@learngene/metrics';

/** Feature vectors of equal length, and the class of each. */
export interface ClassFeatures {
  readonly features: readonly Float32Array[];
  readonly classes: ArrayLike<number>;
}

/**
 * Kernel distance (KID) of samples to reals of the same class, mean over the classes of the samples. Its estimate is
 * unbiased: of images like the reals it is 0 on average however few they are, while a Fréchet distance of few images is
 * far above 0.
 *
 * @returns NaN where a class of the samples has fewer than two samples or fewer than two reals
 */
export function kernelDistanceByClass(samples: ClassFeatures, reals: ClassFeatures): number {
  const names = [...new Set(Array.from(samples.classes))];
  const pairs = names.map((name) => [ofClass(samples, name), ofClass(reals, name)] as const);
  if (pairs.some(([own, real]) => own.count < 2 || real.count < 2)) return Number.NaN;
  const values = pairs.map(([own, real]) => kernelDistance(own, real, { subsetSize: 'all' }).mean);
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function ofClass({ features, classes }: ClassFeatures, name: number) {
  const rows = features.filter((_, i) => classes[i] === name);
  const dims = features[0]?.length ?? 0;
  const data = new Float32Array(rows.length * dims);
  for (const [i, row] of rows.entries()) data.set(row, i * dims);
  return { data, count: rows.length, dims };
}
