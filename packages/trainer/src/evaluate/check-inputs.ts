import type { MetricName } from '@learngene/metrics';
import {
  type ClassifierDescription,
  type OpenSamples,
  openSamples,
  readStatistics,
  referenceContent,
} from '@learngene/metrics/node';
import { ConfigError } from '@learngene/pipeline';

/** Rows, columns and channels of images. */
export type ImageSize = Pick<OpenSamples, 'height' | 'width' | 'channels'>;

/** What a file of samples holds besides the pixels. */
export type SampleDescription = ImageSize & Pick<OpenSamples, 'count' | 'labels' | 'classes'>;

const text = ({ height, width, channels }: ImageSize) => `${height}x${width}x${channels}`;

/** Reads the sizes, labels and class names of a file of samples; its pixels are not read. */
export async function describeSamples(path: string): Promise<SampleDescription> {
  const { height, width, channels, count, labels, classes, close } = await openSamples(path);
  await close();
  return { height, width, channels, count, labels, classes };
}

/**
 * Throws where images of two places differ in size.
 *
 * @param hint What to do about it.
 * @throws ConfigError with both sizes
 */
export function checkSizes(
  [name, size]: readonly [string, ImageSize],
  [otherName, other]: readonly [string, ImageSize],
  hint?: string,
): void {
  if (text(size) === text(other)) return;
  const what = hint === undefined ? '' : `; ${hint}`;
  throw new ConfigError(`${name}: expected ${text(other)} as ${otherName}, got ${text(size)}${what}`);
}

/** What a file to compare with must serve. */
export interface CheckReferenceOptions {
  /** The figures that are wanted. */
  metrics: readonly MetricName[];
  /** The classifier whose features are compared. */
  classifier: ClassifierDescription;
  /** How a message calls a part of the request. */
  label: (part: string) => string;
}

/**
 * Throws where a file to compare with does not serve the metrics, or the classifier.
 *
 * @throws ConfigError naming the metrics that it serves
 */
export async function checkReference(
  path: string,
  { metrics, classifier, label }: CheckReferenceOptions,
): Promise<void> {
  const name = `${label('reference')} ${path}`;
  const { images } = await referenceContent(path);
  if (images) return checkSizes([name, await describeSamples(path)], ['the classifier', classifier.config]);
  const { features, spatial } = await readStatistics(path);
  const lacks: Record<MetricName, boolean> = {
    fid: !features,
    sfid: !spatial,
    'inception-score': false,
    kid: true,
    'precision-recall': true,
  };
  const lacking = metrics.filter((metric) => lacks[metric]);
  if (lacking.length > 0) {
    const serves = [...(features ? ['fid'] : []), ...(spatial ? ['sfid'] : [])].join(',');
    throw new ConfigError(
      `${name}: ${lacking.join(', ')} cannot be had of these statistics; give ${label('metrics')} ${serves}`,
    );
  }
  const dims = features?.mean.length ?? classifier.config.features;
  if (dims !== classifier.config.features) {
    throw new ConfigError(
      `${name}: expected statistics of ${classifier.config.features} features as the classifier, got ${dims}`,
    );
  }
}
