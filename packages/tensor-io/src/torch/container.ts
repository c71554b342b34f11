import type { ByteSource } from '../byte-source';
import type { Storage } from './storage';

/** How a file of torch holds its value and its storages: one of the two formats. */
export interface TorchContainer {
  /** The format's name. */
  readonly format: 'zip' | 'legacy';
  /** What the pickle holds. */
  readonly value: unknown;
  /** Whether numbers are big-endian. */
  readonly bigEndian: boolean;
  /** The bytes of a storage. */
  content(storage: Storage): Promise<StorageContent>;
}

/** Where the bytes of a storage lie. */
export interface StorageContent {
  /** The file, and where in it the storage begins. */
  readonly source: ByteSource;
  /** In bytes. */
  readonly offset: number;
  /** Checks all bytes of the storage, where the format has a checksum. */
  readonly check?: (bytes: Uint8Array) => void;
}
