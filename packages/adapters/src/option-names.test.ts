import { sharedGroup } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it as test } from 'vitest';
import { DIT, denseBase, tinyModel } from '../test/tiny';
import { attachAdapters } from './attach';
import { checkGroups } from './core/checks';
import { saveAdapter } from './files/folder';
import { adapterTrainStep, initAdapterTraining } from './train';

beforeAll(useTestBackend);

const model = () => tinyModel({ method: 'bitfit' });
const step = (inputs: object, options: object) =>
  adapterTrainStep(
    { state: initAdapterTraining(model()), labels: Int32Array.of(0), loss: () => tf.scalar(0), ...inputs },
    { learningRate: 0.1, ...options },
  );
const options = {
  dit: DIT,
  adapter: { method: 'lora' },
  groups: sharedGroup(2),
  generator: createGenerator(1),
} as const;

test.each<[string, (unknown: object) => unknown]>([
  ['groups\\[0\\]', (unknown) => checkGroups([{ name: 'a', classes: [0], ...unknown }])],
  ['attachAdapters', (unknown) => attachAdapters(denseBase(), { ...options, ...unknown })],
  ['adapterTrainStep', (unknown) => step(unknown, {})],
  ['adapterTrainStep', (unknown) => step({}, unknown)],
  ['saveAdapter', (unknown) => saveAdapter('/none', model(), unknown)],
])('%s refuses an option that it does not have', async (name, call) => {
  tf.engine().startScope();
  await expect((async () => call({ x: 1 }))()).rejects.toThrow(new RegExp(`^${name}: expected only .*, got "x"$`));
  tf.engine().endScope();
});
