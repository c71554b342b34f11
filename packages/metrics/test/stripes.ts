import { createGenerator, randomIntegers } from '@learngene/random';
import type { ImageBatch } from '../src/index';

/** Noisy 8 x 8 grey images: class 0 dark, 1 bright, 2 bright at the top only. */
export function stripes(seed: number, count: number): { images: ImageBatch; labels: Int32Array } {
  const g = createGenerator(seed);
  const labels = Int32Array.from({ length: count }, (_, i) => i % 3);
  const noise = randomIntegers(g, count * 64, { high: 80 });
  const data = Uint8Array.from(noise, (value, i) => {
    const label = labels[Math.floor(i / 64)];
    return value + (label === 1 || (label === 2 && i % 64 < 32) ? 120 : 0);
  });
  return { images: { data, count, height: 8, width: 8, channels: 1 }, labels };
}
