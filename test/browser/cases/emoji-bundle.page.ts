// The page of emoji-bundle.test.ts: one class of the shipped bundle, drawn.
import { openPipeline } from '@learngene/pipeline';
import { fetchEmojiVae } from '@learngene/vae-emoji';
import * as tf from '@tensorflow/tfjs-core';
import { type Engine, startEngine } from '../page/engine';

/** What the page drew on an engine. */
export interface Drawn {
  bytes: number[];
  shape: number[];
  tensors: number;
}

async function run(engine: Engine, origin: string, options: { seed: number; steps: number }): Promise<Drawn> {
  await startEngine(engine);
  const before = tf.memory().numTensors;
  const emoji = await fetchEmojiVae(`${origin}/weights`, { part: 'decoder' });
  const pipeline = await openPipeline(new URL(`${origin}/bundle/`), { classes: ['heart'], autoencoder: emoji });
  console.info('opened');
  const { data, count, height, width, channels } = await pipeline.sample(options);
  pipeline.dispose();
  emoji.autoencoder.dispose();
  return {
    bytes: Array.from(data),
    shape: [count, height, width, channels],
    tensors: tf.memory().numTensors - before,
  };
}

Object.assign(globalThis, { run });
