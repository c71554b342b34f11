import { type DitParams, initDit } from '@learngene/dit';
import { mapParams, type ParamTree } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { useDeviceBackend, useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { bits, randomModel, tinyConfig } from '../test/random-model';
import {
  assembleFactored,
  assembleFactoredAsync,
  countAssembled,
  initKind,
  type KindModel,
  kindFromDense,
  kindFromDenseAsync,
} from './index';

/** The model after an op on every tensor, so that a device holds them. */
function used({ config, params }: KindModel): KindModel {
  return {
    config,
    params: mapParams((x) => tf.mul(x, 1), params as unknown as ParamTree) as unknown as KindModel['params'],
  };
}

async function read(model: KindModel) {
  const fetch = async (tree: ParamTree): Promise<void> => {
    for (const node of Object.values(tree)) {
      if (node instanceof tf.Tensor) await node.data();
      else if (node) await fetch(node);
    }
  };
  await fetch(model.params as unknown as ParamTree);
  return bits(model);
}

const config = tinyConfig();
const dense = () =>
  mapParams((x) => tf.mul(x, 1), initDit(createGenerator(3), config.dit) as DitParams & ParamTree) as DitParams;
const generator = () => createGenerator(4);

const CASES: [name: string, sync: () => KindModel, async: () => Promise<KindModel>][] = [
  ...(['parameters', 'macs', 'bytes'] as const).map((unit): (typeof CASES)[number] => {
    const groups = ['7', 'a.b/../c'];
    const model = () => used(randomModel(config));
    const options = () => {
      const whole = countAssembled(assembleFactored(randomModel(config), { groups }))[unit];
      return { groups, budget: { [unit]: Math.floor(0.97 * whole) } };
    };
    return [
      'assembleFactored',
      () => assembleFactored(model(), options()),
      () => assembleFactoredAsync(model(), options()),
    ];
  }),
  ...[false, true].map((randomized): (typeof CASES)[number] => [
    'kindFromDense',
    () => ({ config, params: kindFromDense(dense(), config, { generator: generator(), randomized }) }),
    async () => ({ config, params: await kindFromDenseAsync(dense(), config, { generator: generator(), randomized }) }),
  ]),
];

describe('async forms', () => {
  test.each(CASES)('%s has an async form that gives the same, on a device too', async (name, sync, async) => {
    await useTestBackend();
    const expected = await read(tf.getBackend() === 'webgpu' ? await async() : sync());
    expect(await read(await async())).toEqual(expected);
    await useDeviceBackend();
    expect(sync).toThrow(`call ${name}Async and await it`);
    expect(await read(await async())).toEqual(expected);
  });

  test('a choice of groups without a budget, and fresh models, read nothing back', async () => {
    await useDeviceBackend();
    const model = used(randomModel(config));
    expect(assembleFactored(model, { groups: ['7'] }).config.groups).toHaveLength(1);
    for (const init of ['orthogonal', 'xavier'] as const) initKind(createGenerator(1), config, { init });
  });
});
