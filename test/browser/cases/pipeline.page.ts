// The page of pipeline.test.ts: two classes of a bundle on a server, composed to a budget and sampled.
import { countAssembled, type KindModel } from '@learngene/kind';
import { openPipeline } from '@learngene/pipeline';
import * as tf from '@tensorflow/tfjs-core';
import { type Engine, startEngine } from '../page/engine';

/** What the page found on an engine. */
export interface Found {
  classNames: readonly string[];
  parameters: number;
  bytes: number[];
  shape: number[];
  steps: number;
  refused: string;
  tensors: number;
}

async function run(engine: Engine, bundle: string): Promise<Found> {
  await startEngine(engine);
  const before = tf.memory().numTensors;
  const budget = { parameters: 56_000 };
  const pipeline = await openPipeline(new URL(bundle), { classes: ['cats 1', 'owls'], budget });
  console.info('two classes are composed');
  let steps = 0;
  const images = await pipeline.sample({ classes: ['owls', 'cats 0'], count: 2, seed: 3, onStep: () => void steps++ });
  console.info('sampled');
  const refused = await pipeline
    .sample({ classes: ['dogs'] })
    .catch((error: Error) => `${error.name}: ${error.message}`);
  const { parameters } = countAssembled(pipeline.model as KindModel);
  pipeline.dispose();
  return {
    classNames: pipeline.classNames,
    parameters,
    bytes: Array.from(images.data),
    shape: [images.count, images.height, images.width, images.channels],
    steps,
    refused: String(refused),
    tensors: tf.memory().numTensors - before,
  };
}

Object.assign(globalThis, { run });
