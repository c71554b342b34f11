/** A file of a dataset that cannot be read: it is missing, truncated, corrupt, or not what its header says. */
export class DatasetFileError extends Error {
  /** `'DatasetFileError'`. */
  override readonly name = 'DatasetFileError';
  /** The file (or the name it was given). */
  readonly file: string;

  /** `file`, what is wrong with it, and the error that showed it, if any. */
  constructor(file: string, problem: string, options?: { cause?: unknown }) {
    super(`${file}: ${problem}`, options);
    this.file = file;
  }
}
