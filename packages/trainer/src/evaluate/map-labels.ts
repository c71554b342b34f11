import { classLabel } from '@learngene/datasets';

/** Labels with the names of their classes. */
export interface NamedLabels {
  /** Label of every sample. */
  labels?: ArrayLike<number>;
  /** The name of every class that a label may be. */
  names?: readonly string[];
}

/** Labels of a classifier, or why there are none. */
export type MappedLabels =
  | {
      /** [N] label of every sample among the classifier's classes. */
      labels: Int32Array;
    }
  | {
      /** What is missing. */
      why: string;
    };

/**
 * Labels of samples as labels of a classifier, matched by the names of the classes.
 *
 * @returns the labels, or why there are none
 */
export function mapLabels({ labels, names }: NamedLabels, classes: readonly string[] | undefined): MappedLabels {
  if (labels === undefined) return { why: 'the samples have no labels' };
  if (names === undefined) return { why: 'the samples do not name their classes (an npz of learngene sample does)' };
  if (classes === undefined) return { why: 'the classifier does not name its classes' };
  const mapped = names.map((name) => classLabel(classes, name));
  const lost = Array.from(labels).find((label) => mapped[label] < 0);
  if (lost !== undefined) return { why: `the classifier has no class ${JSON.stringify(names[lost])}` };
  return { labels: Int32Array.from(labels, (label) => mapped[label]) };
}
