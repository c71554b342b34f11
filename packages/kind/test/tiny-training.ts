import { useTestBackend } from '@learngene/testing';
import { afterAll, beforeAll } from 'vitest';
import type { KindParams } from '../src/params';
import { disposeKindTraining, initKindTraining, type KindTrainState } from '../src/train-state';
import { noisyKind, tinyConfig } from './tiny';

/** A tiny model and its training, made on the test backend before the tests of a file; its fields are there from then on. */
export interface TinyTraining {
  params: KindParams;
  state: KindTrainState;
}

/** Makes a {@link TinyTraining} before the tests of a file, and disposes it after them. */
export function useTinyTraining(): TinyTraining {
  const made = {} as TinyTraining;
  beforeAll(async () => {
    await useTestBackend();
    made.params = noisyKind(tinyConfig());
    made.state = initKindTraining(made.params, { trainable: 'all' });
  });
  afterAll(() => disposeKindTraining(made.state));
  return made;
}
