import type { TensorData } from './tensor-data';
import { quoted, TensorFileError } from './tensor-file-error';

/** An open file of named tensors, of any format: they are read one by one. */
export interface TensorFile {
  /** The names of all tensors. */
  readonly names: readonly string[];
  /** Texts that the file holds beside its tensors; empty where the format has none. */
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * Returns the element type, as the file names it, and the shape of a tensor. It can be read where that is a `DType`.
   *
   * @throws {@link TensorFileError} for a name that the file does not hold
   */
  info(name: string): TensorSummary;
  /**
   * Reads one tensor; of the file only its bytes are read. The caller owns it.
   *
   * @throws {@link TensorFileError} for an unsupported element type
   */
  read(name: string): Promise<TensorData>;
  /** Closes the source. */
  close(): Promise<void>;
}

/** What is known of a tensor before it is read. */
export interface TensorSummary {
  /** The element type, as the file names it. */
  readonly dtype: string;
  /** The sizes of the axes. */
  readonly shape: readonly number[];
}

/** The first parts of the names in a file, each once: what `tensorsUnder` takes. */
function tensorKeys(file: Pick<TensorFile, 'names'>): string[] {
  return [...new Set(file.names.map((name) => name.split('.', 1)[0]))];
}

/**
 * The part of a file whose names begin with `key` and a dot, without these: `ema` of a checkpoint with `model.`, `ema.`
 * and `opt.`. Closing it closes the file.
 *
 * @param file - an open file of tensors
 * @param key - the beginning of names, of one part or several (`state.0`)
 * @param path - what the file is called in errors
 * @throws {@link TensorFileError} where nothing lies under the key, with those that there are
 */
export function tensorsUnder(file: TensorFile, key: string, path: string): TensorFile {
  const prefix = `${key}.`;
  const names = typeof key === 'string' ? file.names.filter((name) => name.startsWith(prefix)) : [];
  if (names.length === 0) {
    const known = tensorKeys(file);
    const some = known.slice(0, 8).join(', ') + (known.length > 8 ? ', …' : '');
    throw new TensorFileError(path, `key: expected the beginning of some names (${some}), got ${quoted(String(key))}`);
  }
  return {
    names: names.map((name) => name.slice(prefix.length)),
    metadata: file.metadata,
    info: (name) => file.info(prefix + name),
    read: (name) => file.read(prefix + name),
    close: () => file.close(),
  };
}
