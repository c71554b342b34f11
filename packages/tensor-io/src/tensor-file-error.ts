/** What a file says of a tensor that is not read. */
export interface UnreadTensor {
  /** The type of its values, by the word of the file. */
  readonly dtype: string;
  /** Its shape. */
  readonly shape: readonly number[];
}

/** What a {@link TensorFileError} may say beside its message. */
export interface TensorFileErrorOptions extends ErrorOptions {
  /** Whether the file is whole, and one tensor of it is of a kind that is not read. */
  readonly unreadable?: boolean;
  /** What the file says of that tensor. */
  readonly tensor?: UnreadTensor;
}

/**
 * The one error that this package throws: a file (or bytes, or a URL) that cannot be read or written, or tensors that do
 * not fit a format. The message starts with the file's name. A failure below (of the system, of fetch, of JSON) is the `cause`.
 */
export class TensorFileError extends Error {
  /** Always `'TensorFileError'`. */
  override readonly name = 'TensorFileError';
  /** The path, URL or given name of the file. */
  readonly file: string;
  /** Whether the file is whole, and one tensor of it is of a kind that is not read: others of the file can be. */
  readonly unreadable: boolean;
  /** What the file says of a tensor that is not read, where that is known. */
  readonly tensor: UnreadTensor | undefined;

  /** Makes the error `<file>: <problem>`. */
  constructor(file: string, problem: string, options?: TensorFileErrorOptions) {
    super(`${file}: ${problem}`, options);
    this.file = file;
    this.unreadable = options?.unreadable ?? false;
    this.tensor = options?.tensor;
  }

  /** Whether a value is this error, also one of another copy of this package (each CommonJS entry holds its own). */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'TensorFileError' && 'file' in value;
  }
}

/** A name from a file as it may stand in a message: quoted, control characters escaped, cut after 80 characters. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

/** What came, as it may stand in a message: short, whatever the file held (it may nest too deep for JSON.stringify). */
export function shown(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) {
    const items = value.slice(0, 8).map((item) => (typeof item === 'object' && item !== null ? '…' : shown(item)));
    return `[${items.join(',')}${value.length > 8 ? ',…' : ''}]`;
  }
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
