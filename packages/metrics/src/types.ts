/** Images as bytes: `data[((i * height + y) * width + x) * channels + c]`, NHWC. */
export interface ImageBatch {
  /** uint8 pixels in [0, 255], `count * height * width * channels` of them. */
  readonly data: Uint8Array;
  /** Number of images N. */
  readonly count: number;
  /** Rows H of an image. */
  readonly height: number;
  /** Columns W of an image. */
  readonly width: number;
  /** Channels C: 3 for RGB, 1 for grey. */
  readonly channels: number;
}

/** The outputs of an extractor for N images; rows are in the order of the images. */
export interface ExtractedFeatures {
  /** [N, dims] row-major. */
  readonly features: Float32Array;
  /** [N, spatialDims] row-major, of extractors that have `spatialDims`. */
  readonly spatial?: Float32Array;
  /** [N, classes] row-major, of extractors that have `classes`; not normalised. */
  readonly logits?: Float32Array;
}

/** A network that turns images into the vectors that the metrics compare. */
export interface FeatureExtractor {
  /** The name in results. Results of different extractors cannot be compared. */
  readonly name: string;
  /** Length of a feature vector (2048 for Inception's pool3). */
  readonly dims: number;
  /** Length of a flattened spatial map, for sFID (2023 for Inception's mixed_6/conv). */
  readonly spatialDims?: number;
  /** Number of logits, for the Inception Score. */
  readonly classes?: number;
  /** Computes the features of a batch; the caller owns the arrays. */
  extract(images: ImageBatch): Promise<ExtractedFeatures>;
  /** Frees what the extractor holds. */
  dispose?(): void;
}

/** Mean and covariance of feature vectors. */
export interface MomentStatistics {
  /** [dims] means. */
  readonly mean: Float64Array;
  /** [dims, dims] row-major, symmetric; divided by n - 1 as `np.cov` does. */
  readonly covariance: Float64Array;
  /** The number of vectors; absent where a file does not say. */
  readonly count?: number;
}

/** A set of feature vectors. */
export interface FeatureSet {
  /** [count, dims] row-major. */
  readonly data: Float32Array | Float64Array;
  /** Number of vectors. */
  readonly count: number;
  /** Length of a vector. */
  readonly dims: number;
}

/** Whose conventions a metric follows where the well-known programs differ. */
export type Convention = 'adm' | 'torch-fidelity';

/** Mean and population standard deviation over splits or subsets. */
export interface ScoreSpread {
  /** Mean. */
  readonly mean: number;
  /** Standard deviation (ddof 0, as `np.std`). */
  readonly std: number;
}
