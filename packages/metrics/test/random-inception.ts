import { createGenerator, uniform } from '@learngene/random';
import type { TensorData } from '@learngene/tensor-io';
import { inceptionShapes } from '../src/inception/params';
import type { ImageBatch } from '../src/index';

const { fround } = Math;

/** The state dict that tools/fixtures/make_metrics_inception.py draws, under the names of pytorch-fid's file. */
export function randomState(): Map<string, TensorData> {
  const g = createGenerator(7);
  const state = new Map<string, TensorData>();
  for (const [name, shape] of inceptionShapes()) {
    const size = shape.reduce((product, side) => product * side, 1);
    const bound = Math.sqrt(6 / (size / shape[0]));
    const isAboutOne = name.endsWith('bn.weight') || name.endsWith('running_var');
    const isSmall = name.endsWith('bias') || name.endsWith('running_mean');
    const [low, high] = isAboutOne ? [0.5, 1.5] : isSmall ? [-0.1, 0.1] : [-bound, bound];
    const [width, start] = [fround(high - low), fround(low)];
    const data = uniform(g, size);
    for (let i = 0; i < size; i++) data[i] = fround(data[i] * width) + start;
    state.set(name, { dtype: 'F32', shape, data });
  }
  return state;
}

/** The images of that script: slopes and a pattern. */
export function patternImages(count: number, height: number, width: number): ImageBatch {
  const data = new Uint8Array(count * height * width * 3);
  let at = 0;
  for (let n = 0; n < count; n++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        for (let c = 0; c < 3; c++)
          data[at++] = (x * (3 + c) + y * (5 - c) + 40 * n + Math.floor((x * y) / 7) * (n + 1)) % 256;
  return { data, count, height, width, channels: 3 };
}
