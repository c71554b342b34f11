import { classCounts } from '@learngene/datasets';
import { counted } from '@learngene/pipeline';
import type { DecodedDataset } from './decode-data';

/** What {@link describeDataset} gives. */
export interface DatasetDescription {
  /** Name of the dataset. */
  readonly name: string;
  /** Number of images. */
  readonly size: number;
  /** Height, width and channels of an image. */
  readonly shape: readonly [height: number, width: number, channels: number];
  /** How many images each class has, by its name. */
  readonly classes: Readonly<Record<string, number>>;
  /** The images that were enlarged; undefined where none was. */
  readonly enlarged: DecodedDataset['enlarged'];
  /** All of it for people, a line a class. */
  readonly lines: readonly string[];
}

/** The classes of a dataset and how many images each has. */
export function describeDataset(dataset: DecodedDataset): DatasetDescription {
  const { name, size, height, width, channels, classes, enlarged } = dataset;
  const counts = classCounts(dataset);
  const longest = Math.max(...classes.map((each) => each.length));
  return {
    name,
    size,
    shape: [height, width, channels],
    classes: Object.fromEntries(classes.map((each, label) => [each, counts[label]])),
    enlarged,
    lines: [
      `${name}: ${counted(size, 'image')}, ${height}x${width}x${channels}, ${counted(classes.length, 'class', 'classes')}`,
      ...classes.map((each, label) => `${each.padEnd(longest)}  ${counts[label]}`),
    ],
  };
}
