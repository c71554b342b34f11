/**
 * A bundle that cannot be read: a file is missing, has another size or checksum than kind.json says, or holds something
 * that does not fit the model's config. The message starts with the file, in a folder with its path; a failure below (of the system, of the fetch,
 * of a parser) is the `cause`.
 */
export class BundleError extends Error {
  /** Always `'BundleError'`. */
  override readonly name = 'BundleError';
  /** Name of the file inside the bundle, such as 'kind.json'. */
  readonly file: string;

  /** What is wrong with it. */
  readonly problem: string;

  /** The folder that the message names. */
  readonly folder: string | undefined;

  /** Makes the error `<file>: <problem>`, of a bundle in a folder `<folder>/<file>: <problem>`. */
  constructor(file: string, problem: string, { folder, ...options }: ErrorOptions & { folder?: string } = {}) {
    super(`${folder === undefined ? '' : `${folder.replace(/[/\\]+$/, '')}/`}${file}: ${problem}`, options);
    this.file = file;
    this.problem = problem;
    this.folder = folder;
  }

  /** Whether a value is this error, also one of another copy of this package (each CommonJS entry holds its own). */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'BundleError' && 'file' in value;
  }
}

/**
 * What was asked of a bundle cannot be done with it, though nothing is damaged: a name is not there or is taken, tailors or another
 * bundle are of another base, a soft gate mixes all tailors.
 */
export class BundleRequestError extends Error {
  /** Always `'BundleRequestError'`. */
  override readonly name = 'BundleRequestError';

  /** Whether a value is this error, also one of another copy of this package (each CommonJS entry holds its own). */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'BundleRequestError';
  }
}

/**
 * A file of tailors that cannot be added to a bundle: it is damaged, names no base or another one, or its names are taken. The
 * message starts with the file; what is wrong is the `cause`: a {@link BundleRequestError} where the file is sound.
 */
export class TailorError extends Error {
  /** Always `'TailorError'`. */
  override readonly name = 'TailorError';
  /** The file, as the caller calls it. */
  readonly file: string;

  /** Makes the error `<file>: <problem>`. */
  constructor(file: string, problem: string, options?: ErrorOptions) {
    super(`${file}: ${problem}`, options);
    this.file = file;
  }

  /** Whether a value is this error, also one of another copy of this package (each CommonJS entry holds its own). */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'TailorError' && 'file' in value;
  }
}

/** Runs `work`; whatever it throws becomes a {@link BundleError} about `file`. */
export function asBundleError<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof BundleError) throw cause;
    throw new BundleError(file, messageOf(cause), { cause });
  }
}

/** The message of whatever was thrown, cut after 500 characters. */
export function messageOf(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).slice(0, 500);
}
