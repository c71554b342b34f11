/** What a file says about a tensor that cannot be read. */
export interface UnreadTensor {
  /** The element type, as the file names it. */
  readonly dtype: string;
  /** Its shape. */
  readonly shape: readonly number[];
}

/** What a {@link TensorFileError} may carry beside its message. */
export interface TensorFileErrorOptions extends ErrorOptions {
  /** Whether only one tensor cannot be read, because its kind is unsupported. The file is intact. */
  readonly unreadable?: boolean;
  /** What the file says about that tensor. */
  readonly tensor?: UnreadTensor;
}

/**
 * The error that this package throws: a file (or bytes, or a URL) cannot be read or written, or tensors do not fit a
 * format. The message starts with the file's name. An underlying failure (of the system, of fetch, of JSON) is the
 * `cause`.
 */
export class TensorFileError extends Error {
  /** Always `'TensorFileError'`. */
  override readonly name = 'TensorFileError';
  /** The path, URL or given name of the file. */
  readonly file: string;
  /**
   * Whether only one tensor cannot be read, because its kind is unsupported. The file is intact; its other tensors can
   * be read.
   */
  readonly unreadable: boolean;
  /** What the file says about the tensor that cannot be read, where that is known. */
  readonly tensor: UnreadTensor | undefined;

  /** Makes the error `<file>: <problem>`. */
  constructor(file: string, problem: string, options?: TensorFileErrorOptions) {
    super(`${file}: ${problem}`, options);
    this.file = file;
    this.unreadable = options?.unreadable ?? false;
    this.tensor = options?.tensor;
  }

  /**
   * Whether a value is this error. An error of another copy of this package counts too, since each CommonJS entry holds
   * a copy.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'TensorFileError' && 'file' in value;
  }
}

/** Quotes a name from a file for a message: control characters are escaped, and it is cut after 80 characters. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

/** Formats any value for an error message, shortened. A value from a file may nest too deep for JSON.stringify. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) {
    const items = value.slice(0, 8).map((item) => (typeof item === 'object' && item !== null ? '…' : shown(item)));
    return `[${items.join(',')}${value.length > 8 ? ',…' : ''}]`;
  }
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
