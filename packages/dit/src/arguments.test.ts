import { createGenerator } from '@learngene/random';
import type { NamedTensors } from '@learngene/tensor-io';
import { useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it as test } from 'vitest';
import {
  applyDit,
  type DitConfig,
  ditConfig,
  ditFromDiffusers,
  ditFromFacebook,
  ditLayout,
  ditModules,
  ditParamsFromTensorData,
  ditPrefixes,
  ditTensorShapes,
  ditToDiffusers,
  ditToFacebook,
  dropLabels,
  inferDitConfig,
  initDit,
  validateDitConfig,
  withoutPrefix,
} from './index';

beforeAll(useTestBackend);

const config = ditConfig({ inputSize: 4, inChannels: 1, hiddenSize: 8, depth: 2, heads: 2, classes: 3 });
const labels = () => Int32Array.of(0);
const any = (value: unknown) => value as never;

/** The model applied to inputs and options of which some are replaced, as plain JavaScript may do. */
const apply = (inputs: object | null, options: object = {}) => {
  const given = inputs && { x: tf.zeros([1, 4, 4, 1]), t: tf.tensor1d([1]), labels: labels(), ...inputs };
  return applyDit(initDit(createGenerator(0), config), any(given), { config, ...options });
};
const drop = (fields: object) =>
  dropLabels(labels(), { generator: createGenerator(1), probability: 0.5, nullLabel: 3, ...fields });
const stateOf = (layout: 'learngene' | 'facebook' | 'diffusers'): NamedTensors =>
  new Map(
    [...ditTensorShapes(config, layout)].map(([key, shape]) => [
      key,
      { dtype: 'F32', shape, data: new Float32Array(0) },
    ]),
  );

/** Wrong arguments, and the beginning of what the error says. */
const WRONG: [call: string, run: () => unknown, message: string][] = [
  ['applyDit without inputs', () => apply(null), 'inputs: expected an object, got null'],
  ['applyDit without x', () => apply({ x: undefined }), 'x: expected a tensor [N, H, W, C], got undefined'],
  [
    'applyDit with t as an array',
    () => apply({ t: [1] }),
    't: expected a tensor [N] of timesteps, got an object (Array)',
  ],
  [
    'applyDit without labels',
    () => apply({ labels: undefined }),
    'labels: expected an Int32Array of class ids on the host, got undefined',
  ],
  [
    'applyDit with labels as a list',
    () => apply({ labels: [0] }),
    'labels: expected an Int32Array of class ids on the host, got an object (Array)',
  ],
  [
    'applyDit with labels as a tensor',
    () => apply({ labels: tf.tensor1d([0], 'int32') }),
    'labels: expected an Int32Array of class ids on the host, got an object (Tensor',
  ],
  [
    'applyDit to no samples',
    () => apply({ x: tf.zeros([0, 4, 4, 1]), t: tf.zeros([0]), labels: new Int32Array(0) }),
    'x: expected at least one sample',
  ],
  ['applyDit without a config', () => apply({}, { config: undefined }), 'config: expected an object, got undefined'],
  [
    'applyDit with an unknown option',
    () => apply({}, { linears: 1 }),
    "options: expected only config, linear, embedLabels, got 'linears'",
  ],
  [
    'applyDit without params',
    () => applyDit(any(undefined), any({}), { config }),
    'params: expected an object, got undefined',
  ],
  ['ditConfig(null)', () => ditConfig(any(null)), 'preset: expected an object, got null'],
  ['ditConfig(.., null)', () => ditConfig({}, any(null)), 'overrides: expected an object, got null'],
  ['validateDitConfig()', () => validateDitConfig(any(undefined)), 'config: expected an object, got undefined'],
  [
    'ditLayout of an empty Map',
    () => ditLayout(new Map()),
    'tensors: expected one of the keys patch.weight, x_embedder.proj.weight, pos_embed.proj.weight, got no keys',
  ],
  [
    'ditLayout of another model',
    () => ditLayout(new Map([['a', { shape: [] }]])),
    "tensors: expected one of the keys patch.weight, x_embedder.proj.weight, pos_embed.proj.weight, got 'a'",
  ],
  ...[ditLayout, inferDitConfig, ditPrefixes].map((f): [string, () => unknown, string] => [
    `${f.name} of a plain object`,
    () => f(any({})),
    'tensors: expected a Map of tensors by name, got an object (Object)',
  ]),
  ['withoutPrefix of a plain object', () => withoutPrefix(any({}), 'a.'), 'tensors: expected a Map'],
  [
    'withoutPrefix without a prefix',
    () => withoutPrefix(new Map(), any(undefined)),
    'prefix: expected a text, got undefined',
  ],
  ...[ditFromFacebook, ditToFacebook, ditFromDiffusers, ditToDiffusers, ditParamsFromTensorData].flatMap(
    (f): [string, () => unknown, string][] => [
      [
        `${f.name} of a plain object`,
        () => f(any({}), config),
        'tensors: expected a Map of tensors by name, got an object',
      ],
      [`${f.name} without a config`, () => f(new Map(), any(undefined)), 'config: expected an object, got undefined'],
    ],
  ),
  [
    'ditFromFacebook with an unknown option',
    () => ditFromFacebook(new Map(), config, any({ nullrow: 'mean' })),
    "options: expected only nullRow, got 'nullrow'",
  ],
  [
    'ditFromDiffusers with an unknown option',
    () => ditFromDiffusers(new Map(), config, any({ copy: 1 })),
    "options: expected only copies, got 'copy'",
  ],
  [
    'ditFromDiffusers with unknown copies',
    () => ditFromDiffusers(new Map(), config, { copies: any('all') }),
    "copies: expected 'equal' or 'first', got \"all\"",
  ],
  [
    'ditTensorShapes of another layout',
    () => ditTensorShapes(config, any('timm')),
    "layout: expected 'learngene', 'facebook' or 'diffusers', got 'timm'",
  ],
  [
    'ditModules of another layout',
    () => ditModules(config, any('timm')),
    "layout: expected 'learngene', 'facebook' or 'diffusers', got 'timm'",
  ],
  [
    'dropLabels without a generator',
    () => drop({ generator: undefined }),
    'generator: expected a random generator, got undefined',
  ],
  [
    'dropLabels without options',
    () => dropLabels(labels(), any(undefined)),
    'options: expected an object, got undefined',
  ],
  [
    'dropLabels with an unknown option',
    () => drop({ p: 1 }),
    "options: expected only generator, probability, nullLabel, got 'p'",
  ],
  ['dropLabels of a list', () => dropLabels(any([0]), any({})), 'labels: expected an Int32Array'],
  ['dropLabels with a text', () => drop({ probability: '0.5' }), 'probability: expected a number in [0, 1], got 0.5'],
];

test.each(WRONG)('%s is refused by name', (_, run, message) => {
  tf.tidy(() => {
    expect(run).toThrow(message);
  });
});

describe('inferDitConfig', () => {
  const told = { heads: 2, classes: 3, inputSize: 4, patchSize: 2 };
  const contradictions: [Partial<DitConfig>, string][] = [
    [{ hiddenSize: 16 }, "hiddenSize: expected 8, as the file's shapes say, got 16"],
    [{ depth: 3 }, 'depth: expected 2'],
    [{ mlpRatio: 2 }, 'mlpRatio: expected 4'],
    [{ learnSigma: false }, 'learnSigma: expected true'],
  ];

  test.each(['learngene', 'facebook', 'diffusers'] as const)(
    'of a %s file refuses fields that contradict it',
    (layout) => {
      for (const [field, message] of contradictions) {
        expect(() => inferDitConfig(stateOf(layout), { ...told, ...field })).toThrow(message);
      }
      const agreeing = { ...told, hiddenSize: 8, depth: 2, mlpRatio: 4, learnSigma: true, inChannels: 1 };
      expect(inferDitConfig(stateOf(layout), agreeing)).toMatchObject(agreeing);
      if (layout !== 'learngene') {
        expect(() => inferDitConfig(stateOf(layout), { ...told, patchSize: 4 })).toThrow('patchSize: expected 2');
        expect(() => inferDitConfig(stateOf(layout), { ...told, inChannels: 4 })).toThrow('inChannels: expected 1');
      }
    },
  );

  test('refuses another input size than the stored table has', () => {
    expect(() => inferDitConfig(stateOf('facebook'), { ...told, inputSize: 8 })).toThrow('inputSize: expected 4');
    expect(inferDitConfig(stateOf('diffusers'), { ...told, inputSize: 8 }).inputSize).toBe(8);
  });

  test('takes a ratio that makes the width of the file', () => {
    const state = new Map(stateOf('facebook'));
    for (const [key, tensor] of ditTensorShapes({ ...config, mlpRatio: 1.3 }, 'facebook')) {
      state.set(key, { dtype: 'F32', shape: tensor, data: new Float32Array(0) });
    }
    expect(inferDitConfig(state, { ...told, mlpRatio: 1.3 }).mlpRatio).toBe(1.3);
    expect(() => inferDitConfig(state, { ...told, mlpRatio: 1.6 })).toThrow('mlpRatio: expected 1.25');
  });

  test.each(['learngene', 'facebook', 'diffusers'] as const)(
    'refuses a %s file with a prefix on some keys',
    (layout) => {
      const state = [...stateOf(layout)].map(
        ([key, t]) => [/blocks\.1\./.test(key) ? `module.${key}` : key, t] as const,
      );
      expect(() => inferDitConfig(new Map(state), told)).toThrow("some keys that begin with 'module.'");
    },
  );
});
