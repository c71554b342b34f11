import { paramsToTensorData } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { fromFloat32, type NamedTensors, type TensorData, toFloat32 } from '@learngene/tensor-io';
import { beforeAll, describe, expect, it as test } from 'vitest';
import {
  decodeVaeFiles,
  encodeVaeFiles,
  initVae,
  klVaeConfig,
  tinyVaeConfig,
  type VaeConfig,
  type VaeLayout,
  vaeFromLayout,
  vaeHash,
  vaeParamsFromTensorData,
  vaeTensorShapes,
  vaeToLayout,
} from '../src/index';
import { useVaeBackend } from './setup';

beforeAll(useVaeBackend);

const small = { encoderWidths: [4, 4], encoderBlocks: [1, 1], decoderWidths: [4, 4], decoderBlocks: [1, 1] };
const configs: Record<string, VaeConfig> = {
  tiny: tinyVaeConfig('taesd', small),
  pooled: tinyVaeConfig('taef2', small),
  shuffle: tinyVaeConfig('shuffle', small),
  kl: klVaeConfig({ widths: [4, 8], normGroups: 4, blocksPerLevel: 1 }),
};

async function tensorsOf(name: string): Promise<Map<string, TensorData>> {
  return paramsToTensorData(initVae(createGenerator(3), configs[name]));
}

function bits(tensors: NamedTensors): Map<string, unknown> {
  return new Map(
    [...tensors].map(([name, { dtype, shape, data }]) => [
      name,
      [dtype, shape.join(), Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')],
    ]),
  );
}

const layouts: [string, Exclude<VaeLayout, 'learngene'>][] = [
  ['tiny', 'diffusers'],
  ['tiny', 'original'],
  ['pooled', 'original'],
  ['kl', 'diffusers'],
  ['kl', 'original'],
];

describe.each(layouts)('a %s checkpoint in the %s layout', (name, layout) => {
  const config = configs[name];

  test('comes back bit for bit, in every dtype', async () => {
    for (const dtype of ['F32', 'F16', 'BF16'] as const) {
      const tensors = new Map(
        [...(await tensorsOf(name))].map(([key, tensor]) => [key, fromFloat32(toFloat32(tensor), tensor.shape, dtype)]),
      );
      const foreign = vaeToLayout(tensors, config, layout);
      expect(new Map([...foreign].map(([key, { shape }]) => [key, [...shape]]))).toEqual(
        new Map([...vaeTensorShapes(config, layout)].map(([key, shape]) => [key, [...shape]])),
      );
      expect(bits(vaeFromLayout(foreign, config, layout))).toEqual(bits(tensors));
    }
  });

  const broken: [string, (tensors: Map<string, TensorData>, key: string) => void, RegExp][] = [
    ['a missing tensor', (t, key) => t.delete(key), /: expected \[.*\], got no such tensor/],
    [
      'an unexpected tensor',
      (t, key) => t.set(`${key}.extra`, t.get(key)!),
      /layout of this config, got key '.*extra'/,
    ],
    [
      'another shape',
      (t, key) => t.set(key, { ...t.get(key)!, shape: [1, ...t.get(key)!.shape] }),
      /: expected \[.*\], got \[1, /,
    ],
    [
      'a NaN',
      (t, key) => t.set(key, spoilt(t.get(key)!, Number.NaN)),
      /: expected finite numbers, got an infinity or NaN/,
    ],
    ['an infinity', (t, key) => t.set(key, spoilt(t.get(key)!, 1 / 0)), /: expected finite numbers, got an infinity/],
    [
      'whole numbers',
      (t, key) => {
        const { shape, data } = t.get(key)!;
        t.set(key, { dtype: 'I32', shape, data: new Int32Array(data.length) });
      },
      /: expected a floating dtype, got I32/,
    ],
  ];
  test.each(broken)('with %s is refused by name', async (_what, spoil, message) => {
    const foreign = vaeToLayout(await tensorsOf(name), config, layout);
    for (const key of [...foreign.keys()]) {
      const copy = new Map(foreign);
      spoil(copy, key);
      expect(() => vaeFromLayout(copy, config, layout)).toThrow(message);
      expect(() => vaeFromLayout(copy, config, layout)).toThrow(key);
    }
  });

  test('of another configuration is refused', async () => {
    const foreign = vaeToLayout(await tensorsOf(name), config, layout);
    const other = { ...config, latentChannels: config.latentChannels + 1 };
    expect(() => vaeFromLayout(foreign, other, layout)).toThrow(/: expected \[.*\], got \[/);
  });
});

function spoilt({ shape, data }: TensorData, value: number): TensorData {
  const copy = Float32Array.from(data as Float32Array);
  copy[copy.length - 1] = value;
  return { dtype: 'F32', shape, data: copy };
}

describe('parameters', () => {
  test('come of our own layout, and nothing else', async () => {
    const tensors = await tensorsOf('shuffle');
    const params = vaeParamsFromTensorData(tensors, configs.shuffle);
    expect(bits(await paramsToTensorData(params))).toEqual(bits(tensors));
    tensors.delete('encoder.out.bias');
    expect(() => vaeParamsFromTensorData(tensors, configs.shuffle)).toThrow('encoder.out.bias: expected [16]');
    expect(() => vaeParamsFromTensorData({} as never, configs.shuffle)).toThrow('tensors: expected a Map');
  });

  test('have no name in a layout that lacks them', async () => {
    const tensors = await tensorsOf('shuffle');
    expect(() => vaeToLayout(tensors, configs.shuffle, 'original')).toThrow('blockConvs: expected 3 in the original');
    const pooled = await tensorsOf('pooled');
    expect(() => vaeToLayout(pooled, configs.pooled, 'diffusers')).toThrow('midBlockPooling: expected false');
    expect(() => vaeToLayout(pooled, configs.pooled, 'comfy' as 'original')).toThrow("got 'comfy'");
  });
});

describe('the attention of an AutoencoderKL', () => {
  const old: Record<string, string> = { to_q: 'query', to_k: 'key', to_v: 'value', 'to_out.0': 'proj_attn' };

  test('is read under the names of older versions of diffusers, as matrices or 1x1 convolutions', async () => {
    const tensors = await tensorsOf('kl');
    const now = vaeToLayout(tensors, configs.kl, 'diffusers');
    for (const square of [false, true]) {
      const renamed = new Map(
        [...now].map(([key, tensor]) => {
          const found = Object.keys(old).find((name) => key.includes(`attentions.0.${name}.`));
          if (!found) return [key, tensor];
          const shape = square && tensor.shape.length === 2 ? [...tensor.shape, 1, 1] : tensor.shape;
          return [key.replace(found, old[found]), { ...tensor, shape } as TensorData];
        }),
      );
      expect([...renamed.keys()].filter((key) => key.includes('proj_attn')).length).toBe(4);
      expect(bits(vaeFromLayout(renamed, configs.kl, 'diffusers'))).toEqual(bits(tensors));
    }
  });

  test('is refused under both names', async () => {
    const now = vaeToLayout(await tensorsOf('kl'), configs.kl, 'diffusers');
    now.set('encoder.mid_block.attentions.0.query.weight', now.get('encoder.mid_block.attentions.0.to_q.weight')!);
    expect(() => vaeFromLayout(now, configs.kl, 'diffusers')).toThrow('to_q.weight, got two');
  });
});

describe('files', () => {
  test.each(Object.keys(configs))('of the %s autoencoder come back bit for bit', async (name) => {
    const files = { config: configs[name], tensors: await tensorsOf(name) };
    const encoded = encodeVaeFiles(files);
    const inDiffusers = name === 'tiny' || name === 'kl';
    expect(encoded.weights).toBe(inDiffusers ? 'diffusion_pytorch_model.safetensors' : 'model.safetensors');
    const back = decodeVaeFiles(encoded.config, encoded.tensors);
    expect(back.config).toEqual(files.config);
    expect(bits(back.tensors)).toEqual(bits(files.tensors));
  });

  test('hold half precision on request, and refuse what it cannot hold', async () => {
    const tensors = await tensorsOf('shuffle');
    const half = encodeVaeFiles({ config: configs.shuffle, tensors }, { dtype: 'F16' });
    expect(new Set([...half.tensors.values()].map(({ dtype }) => dtype))).toEqual(new Set(['F16']));
    const { shape, data } = tensors.get('encoder.out.bias')!;
    tensors.set('encoder.out.bias', { dtype: 'F32', shape, data: Float32Array.from(data as Float32Array, () => 1e5) });
    expect(() => encodeVaeFiles({ config: configs.shuffle, tensors }, { dtype: 'F16' })).toThrow(
      'encoder.out.bias: expected finite numbers',
    );
    expect(() => encodeVaeFiles({ config: configs.shuffle, tensors }, { type: 'F16' } as object)).toThrow("got 'type'");
  });

  test('with a damaged config.json are refused by what is wrong', async () => {
    const { config, tensors } = encodeVaeFiles({ config: configs.shuffle, tensors: await tensorsOf('shuffle') });
    const changed: [string, string][] = [
      [config.slice(1), 'config.json: expected JSON'],
      [config.replace('"format": 1', '"format": 2'), 'config.json: expected format 1, got 2'],
      [
        config.replace('{', '{"latentChannels": 3,'),
        "config.json: expected every key once, got 'latentChannels' twice",
      ],
      [config.replace('"resampling"', '"resample"'), 'config: expected only'],
      [config.replace('LearngeneVae', 'OtherVae'), '_class_name: expected AutoencoderTiny or AutoencoderKL'],
      ['null', 'file: expected an object'],
    ];
    for (const [text, message] of changed) expect(() => decodeVaeFiles(text, tensors)).toThrow(message);
  });
});

describe('the hash', () => {
  test('does not depend on orders, but on every value, name, dtype and field', async () => {
    const [tensors, config] = [await tensorsOf('tiny'), configs.tiny];
    const hash = await vaeHash(tensors, config);
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    const reversed = Object.fromEntries(Object.entries(config).reverse()) as unknown as VaeConfig;
    expect(await vaeHash(new Map([...tensors].reverse()), reversed)).toBe(hash);
    const others = new Set([hash]);
    for (const [name, tensor] of tensors) {
      const copy = Float32Array.from(tensor.data as Float32Array);
      copy[copy.length - 1] += 1e-3;
      others.add(await vaeHash(new Map(tensors).set(name, { ...tensor, data: copy } as TensorData), config));
    }
    expect(others.size).toBe(tensors.size + 1);
    const first = tensors.get('encoder.out.bias')!;
    const half = fromFloat32(toFloat32(first), first.shape, 'F16');
    others.add(await vaeHash(new Map(tensors).set('encoder.out.bias', half), config));
    others.add(await vaeHash(tensors, { ...config, scalingFactor: 2 }));
    expect(others.size).toBe(tensors.size + 3);
  });
});
