import { sharedGroup } from '@learngene/nn';
import { relativeError, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import { inputsFor, tinyModel } from '../test/tiny';
import { applyAdapted } from './apply';
import { loraOfPissa } from './pissa-to-lora';

beforeAll(useTestBackend);

describe('loraOfPissa', () => {
  test('goes with the base itself', () => {
    tf.tidy(() => {
      const pissa = tinyModel({ method: 'pissa', rank: 3, alpha: 6 }, { noise: 0.1, groups: sharedGroup(2) });
      const { config, layers } = loraOfPissa(pissa, 'all');
      const fresh = tinyModel(config, { groups: sharedGroup(2) });
      const lora = { ...fresh, adapters: { all: { ...pissa.adapters.all, layers } } };
      const inputs = inputsFor([0, 1]);
      expect(relativeError(applyAdapted(lora, inputs), applyAdapted(pissa, inputs))).toBeLessThan(5e-6);
      expect(() => loraOfPissa(fresh, 'all')).toThrow('method: expected pissa, got lora');
    });
  });
});
