/** More about a {@link DatasetFileError}. */
export interface DatasetFileErrorOptions {
  /** The error that showed the problem. */
  readonly cause?: unknown;
  /** Whether the file is one image of many, which `onCorrupt: 'skip'` leaves out (default false). */
  readonly isImage?: boolean;
}

/** A file of a dataset that cannot be read: it is missing, truncated, corrupt, or not what its header says. */
export class DatasetFileError extends Error {
  /** `'DatasetFileError'`. */
  override readonly name = 'DatasetFileError';
  /** The file (or the name it was given). */
  readonly file: string;
  /** Whether the file is one image of many, which `onCorrupt: 'skip'` leaves out. */
  readonly isImage: boolean;

  /** `file`, what is wrong with it, and the error that showed it, if any. */
  constructor(file: string, problem: string, { cause, isImage = false }: DatasetFileErrorOptions = {}) {
    super(`${file}: ${problem}`, cause === undefined ? undefined : { cause });
    this.file = file;
    this.isImage = isImage;
  }
}
