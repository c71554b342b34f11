/** Classes of {@link tinyImages}. */
const CLASSES = ['bars', 'dots', 'flat'] as const;

/**
 * Small images for tests, as tensors of a packed dataset: horizontal bars, a dot in the middle, or one colour. All
 * differ a little.
 */
export function tinyImages({ perClass = 12, size = 8, channels = 3 } = {}) {
  const count = CLASSES.length * perClass;
  const images = new Uint8Array(count * size * size * channels);
  const labels = new Int32Array(count);
  for (let n = 0; n < count; n++) {
    const label = n % CLASSES.length;
    labels[n] = label;
    for (let p = 0; p < size * size; p++) {
      const [y, x] = [Math.floor(p / size), p % size];
      const bright = label === 0 ? y % 2 === n % 2 : label === 1 ? Math.hypot(x - 3.5, y - 3.5) < 2 : true;
      for (let c = 0; c < channels; c++)
        images[(n * size * size + p) * channels + c] = bright ? 120 + ((n * 37 + c * 50) % 130) : 20;
    }
  }
  return {
    tensors: new Map([
      ['images', { dtype: 'U8' as const, shape: [count, size, size, channels], data: images }],
      ['labels', { dtype: 'I32' as const, shape: [count], data: labels }],
    ]),
    metadata: { classes: JSON.stringify(CLASSES) },
  };
}
