/** Labelled images of one size, read by index. Reading the same index twice gives the same bytes. */
export interface ImageDataset {
  /** What to call it in messages and reports. */
  readonly name: string;
  /** How many images. */
  readonly size: number;
  /** Height of every image in pixels. */
  readonly height: number;
  /** Width of every image in pixels. */
  readonly width: number;
  /** Channels of every image: 1 grey, 3 red, green, blue. */
  readonly channels: number;
  /** The names of the classes; a label is an index into it. */
  readonly classes: readonly string[];
  /** The label of every image, [size]. Do not change it. */
  readonly labels: Int32Array;
  /** The images at `indices`, uint8 [n, H, W, C], owned by the caller. Rejects with a RangeError for a bad index. */
  read(indices: ArrayLike<number>): Promise<Uint8Array>;
}

/** Progress of a long task. */
export interface Progress {
  /** Images done. */
  readonly done: number;
  /** Images in all. */
  readonly total: number;
}
