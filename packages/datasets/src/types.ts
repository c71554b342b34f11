/** Which of the latents of an image are read. */
export interface LatentViews {
  /** The crop of every image, [n], from 0. */
  readonly crops: ArrayLike<number>;
  /** 1 where the image is mirrored, [n]. */
  readonly flips: ArrayLike<number>;
}

/** Latents of the images of a dataset, as an autoencoder made them, in the same order as the images. */
export interface LatentRows {
  /** Height of every latent. */
  readonly height: number;
  /** Width of every latent. */
  readonly width: number;
  /** Channels of every latent. */
  readonly channels: number;
  /** Crops of every image that have latents of their own, at least 1. */
  readonly crops: number;
  /** Whether mirrored images have latents of their own. */
  readonly mirrored: boolean;
  /** Whether the deviation of every number is kept beside its mean, so that a draw can be taken. */
  readonly hasDeviation: boolean;
  /**
   * The latents of the images at `indices`, float32 [n, h, w, c], owned by the caller; with `hasDeviation` [n, h, w, 2c], the
   * means before the deviations. Rejects with a RangeError for a bad index or view.
   */
  read(indices: ArrayLike<number>, views: LatentViews): Promise<Float32Array>;
}

/** An image file that is smaller than the images of its dataset, so that it was enlarged. */
export interface EnlargedImage {
  /** Its path. */
  readonly file: string;
  /** Its width in pixels. */
  readonly width: number;
  /** Its height in pixels. */
  readonly height: number;
}

/** Settings of a dataset's `read`. */
export interface ReadOptions {
  /** Called with every image file that was enlarged; images that come from no file of their own are never. */
  readonly onEnlarged?: (image: EnlargedImage) => void;
}

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
  read(indices: ArrayLike<number>, options?: ReadOptions): Promise<Uint8Array>;
  /** Latents of the images, where an autoencoder made them; parts and merged classes of the dataset keep them. */
  readonly latents?: LatentRows;
}

/** Progress of a long task. */
export interface Progress {
  /** Images done. */
  readonly done: number;
  /** Images in all. */
  readonly total: number;
}
