import type { ImageDataset, LatentRows, LatentViews } from '@learngene/datasets';

/** The rows of one view of every image: a crop, mirrored or not. */
export interface LatentStore {
  /** Height, width and channels of a latent. */
  readonly shape: readonly [height: number, width: number, channels: number];
  /** Images. */
  readonly size: number;
  /** Crops of every image. */
  readonly crops: number;
  /** Whether mirrored images have rows. */
  readonly mirrored: boolean;
  /** Whether a row holds deviations after its means. */
  readonly hasDeviation: boolean;
  /** Reads the row of one image into `target` at `offset`. */
  copy(index: number, view: number, target: Float32Array, offset: number): void | Promise<void>;
}

/** The number of a view: crops in order, the mirrored ones after the straight ones. */
export function viewNumber(crop: number, flip: number, crops: number): number {
  return flip === 0 ? crop : crops + crop;
}

/** The latents of a store, checked index by index. */
export function latentRows(store: LatentStore): LatentRows {
  const { shape, crops, mirrored, hasDeviation } = store;
  const [height, width, channels] = shape;
  const numbers = height * width * channels * (hasDeviation ? 2 : 1);
  return {
    height,
    width,
    channels,
    crops,
    mirrored,
    hasDeviation,
    async read(indices, views) {
      checkViews(indices, views, store);
      const rows = new Float32Array(indices.length * numbers);
      for (let i = 0; i < indices.length; i++) {
        const view = viewNumber(views.crops[i], views.flips[i], crops);
        await store.copy(indices[i], view, rows, i * numbers);
      }
      return rows;
    },
  };
}

function checkViews(
  indices: ArrayLike<number>,
  { crops, flips }: LatentViews,
  store: Pick<LatentStore, 'size' | 'crops' | 'mirrored'>,
): void {
  for (let i = 0; i < indices.length; i++) {
    const [index, crop, flip] = [indices[i], crops[i], flips[i]];
    const whole = (value: number, end: number) => Number.isInteger(value) && value >= 0 && value < end;
    if (!whole(index, store.size)) {
      throw new RangeError(`indices: expected integers from 0 to ${store.size - 1}, got ${index} at ${i}`);
    }
    if (!whole(crop, store.crops)) {
      throw new RangeError(`views.crops: expected integers from 0 to ${store.crops - 1}, got ${crop} at ${i}`);
    }
    if (!whole(flip, store.mirrored ? 2 : 1)) {
      throw new RangeError(`views.flips: expected ${store.mirrored ? '0 or 1' : '0'}, got ${flip} at ${i}`);
    }
  }
}

/** Latents as a network sees them: (latents - shiftFactor) · scalingFactor. */
export function scaledRows(
  rows: LatentRows,
  { scalingFactor, shiftFactor }: { readonly scalingFactor: number; readonly shiftFactor: number },
): LatentRows {
  const { channels, hasDeviation } = rows;
  const position = hasDeviation ? 2 * channels : channels;
  return {
    ...rows,
    async read(indices, views) {
      const values = await rows.read(indices, views);
      for (let i = 0; i < values.length; i++) {
        const shift = i % position < channels ? shiftFactor : 0; // deviations are not shifted
        values[i] = (values[i] - shift) * scalingFactor;
      }
      return values;
    },
  };
}

/** A dataset whose images have these latents. */
export function withLatents(dataset: ImageDataset, latents: LatentRows): ImageDataset {
  return { ...dataset, latents };
}
