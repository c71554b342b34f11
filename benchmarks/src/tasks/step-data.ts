import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGenerator, normal, randomIntegers } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';
import type { ModelSpec } from './specs';

/** Images that the steps choose from. */
const IMAGES = 320;

/** The value in [-1, 1] of every value of a pixel. */
const UNIT = Float32Array.from({ length: 256 }, (_, value) => value / 127.5 - 1);

/** What a step trains on. */
export interface StepBatch {
  readonly x0: tf.Tensor4D;
  readonly noise: tf.Tensor4D;
  readonly t: Int32Array;
}

/** What a step of a real training has besides its arithmetic: images that are chosen and converted, noise, a log. */
export function stepData({ batch, inputSize, inChannels }: ModelSpec) {
  const shape: [number, number, number, number] = [batch, inputSize, inputSize, inChannels];
  const pixels = inputSize * inputSize * inChannels;
  const generator = createGenerator(0);
  const images = Uint8Array.from(randomIntegers(generator, IMAGES * pixels, { high: 256 }));
  const folder = mkdtempSync(join(tmpdir(), 'learngene-bench-log-'));
  const file = openSync(join(folder, 'log.jsonl'), 'w');
  return {
    /** A batch; the caller disposes x0 and noise. */
    next(): StepBatch {
      const x0 = new Float32Array(batch * pixels);
      for (const [n, image] of randomIntegers(generator, batch, { high: IMAGES }).entries()) {
        for (let i = 0; i < pixels; i++) x0[n * pixels + i] = UNIT[images[image * pixels + i]];
      }
      return {
        x0: tf.tensor4d(x0, shape),
        noise: tf.tensor4d(normal(generator, batch * pixels), shape),
        t: randomIntegers(generator, batch, { high: 1000 }),
      };
    },
    /** Writes a line. */
    log(loss: number): void {
      writeSync(file, `${JSON.stringify({ loss })}\n`);
    },
    close(): void {
      closeSync(file);
      rmSync(folder, { recursive: true });
    },
  };
}
