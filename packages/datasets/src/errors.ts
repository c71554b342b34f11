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

  /** `file`, what is wrong with it, and the error that showed it, if any; of one of the system the code is said, as `(ENOENT)`. */
  constructor(file: string, problem: string, { cause, isImage = false }: DatasetFileErrorOptions = {}) {
    super(`${file}: ${problem}${codeOf(cause, problem)}`, cause === undefined ? undefined : { cause });
    this.file = file;
    this.isImage = isImage;
  }
}

/** The code of an error of the system that is not said yet; its message would name the file again. */
function codeOf(cause: unknown, problem: string): string {
  const code = (cause as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && /^E[A-Z]+$/.test(code) && !problem.includes(code) ? ` (${code})` : '';
}
