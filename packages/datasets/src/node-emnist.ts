import { DatasetFileError } from './errors';
import { exists, readBytes } from './node-read';

/** What the labels of a set of EMNIST stand for. */
export interface EmnistMapping {
  /** The labels in the file, in the order of the classes. */
  readonly fileLabels: readonly number[];
  /** The characters of every class: `'7'`, `'g'`; `'Aa'` where upper and lower case are one class. */
  readonly classes: readonly string[];
}

/** Labels are bytes. */
const LARGEST_LABEL = 255;

/**
 * Reads a mapping file of EMNIST (Cohen et al. 2017): a line for every label, with the codes of its characters.
 *
 * @throws DatasetFileError where the file is missing (the labels alone do not say what they stand for), or a line is no
 *   label with one or more codes of printable characters, or names a label or a class again
 */
export async function readEmnistMapping(file: string): Promise<EmnistMapping> {
  if (!(await exists(file))) {
    throw new DatasetFileError(file, 'expected the mapping file of EMNIST, which says what the labels are, found none');
  }
  const lines = new TextDecoder().decode(await readBytes(file)).split('\n');
  const fileLabels: number[] = [];
  const classes: string[] = [];
  for (const [number, line] of lines.entries()) {
    const text = line.trim();
    if (text === '') continue;
    const words = text.split(/\s+/);
    const [label, ...codes] = words.map(Number);
    const isLine =
      words.every((word) => /^\d{1,3}$/.test(word)) &&
      label <= LARGEST_LABEL &&
      codes.length > 0 &&
      codes.every((code) => code > 32 && code < 127);
    if (!isLine) {
      const got = JSON.stringify(text.slice(0, 40));
      throw new DatasetFileError(file, `line ${number + 1}: expected a label and codes of characters, got ${got}`);
    }
    const name = String.fromCharCode(...codes);
    if (fileLabels.includes(label) || classes.includes(name)) {
      throw new DatasetFileError(file, `line ${number + 1}: expected every label and class once, got ${text} again`);
    }
    fileLabels.push(label);
    classes.push(name);
  }
  if (classes.length === 0) throw new DatasetFileError(file, 'expected lines of labels, got none');
  return { fileLabels, classes };
}
