import { paramsToTensorData } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it as test } from 'vitest';
import * as vae from '../src/index';
import * as folders from '../src/node';
import { useVaeBackend } from './setup';

beforeAll(useVaeBackend);

const widths = { encoderWidths: [4, 4], encoderBlocks: [1, 1], decoderWidths: [4, 4], decoderBlocks: [1, 1] };
const config = vae.tinyVaeConfig('taesd', widths);
const configText = JSON.stringify(vae.vaeConfigToDiffusers(config));

/** Good arguments of every function of the package, and what the message for each begins with. */
async function goodArguments(): Promise<Record<string, [values: unknown[], names: RegExp[]]>> {
  const g = createGenerator(1);
  const params = vae.initVae(g, config);
  const tensors = await paramsToTensorData(params);
  const foreign = vae.vaeToLayout(tensors, config, 'diffusers');
  const images = tf.zeros([1, 8, 8, 3]);
  const latents = tf.zeros([1, 4, 4, config.latentChannels]);
  const [ofConfig, ofParams, ofOptions, ofTensors] = [
    /^(config|type)\b/,
    /^params\b/,
    /^(options|config)\b/,
    /^tensors:|^encoder\./,
  ];
  const [ofImages, ofLatents, ofLayout] = [/^images:/, /^latents:/, /^layout:/];
  return {
    createAutoencoder: [
      [params, config],
      [ofParams, ofConfig],
    ],
    createDecoder: [
      [new Map([...tensors].filter(([name]) => name.startsWith('decoder.'))), config],
      [/^tensors:|^decoder\./, ofConfig],
    ],
    decodeVae: [
      [params, latents, { config }],
      [ofParams, ofLatents, ofOptions],
    ],
    decodeVaeFiles: [
      [configText, foreign],
      [/^configText:/, ofTensors],
    ],
    decodeVaeTiled: [
      [params, latents, { config }],
      [ofParams, ofLatents, ofOptions],
    ],
    encodeVae: [
      [params, images, { config }],
      [ofParams, ofImages, ofOptions],
    ],
    encodeVaeFiles: [
      [{ config, tensors }, {}],
      [/^(files|tensors):/, ofOptions],
    ],
    encodeVaeTiled: [
      [params, images, { config }],
      [ofParams, ofImages, ofOptions],
    ],
    initVae: [
      [g, config],
      [/^g:/, ofConfig],
    ],
    klVaeConfig: [
      ['sd1', {}],
      [/^preset:/, /^overrides:/],
    ],
    parseVaeConfig: [[configText], [/^text:/]],
    posteriorKl: [[{ mean: latents, logVariance: latents }], [/^posterior\b/]],
    samplePosterior: [
      [{ mean: latents, logVariance: latents }, g],
      [/^posterior\b/, /^g:/],
    ],
    scaleLatents: [
      [latents, config],
      [ofLatents, ofConfig],
    ],
    tinyVaeConfig: [
      ['taesd', {}],
      [/^preset:/, /^overrides:/],
    ],
    unscaleLatents: [
      [latents, config],
      [ofLatents, ofConfig],
    ],
    vaeConfigFromDiffusers: [[JSON.parse(configText)], [/^(file|_class_name):/]],
    vaeConfigToDiffusers: [[config], [ofConfig]],
    vaeDownscale: [[config], [ofConfig]],
    vaeFromLayout: [
      [foreign, config, 'diffusers'],
      [ofTensors, ofConfig, ofLayout],
    ],
    vaeHash: [
      [tensors, config],
      [ofTensors, ofConfig],
    ],
    vaeParamsFromTensorData: [
      [tensors, config],
      [ofTensors, ofConfig],
    ],
    vaeTensorShapes: [
      [config, 'diffusers'],
      [ofConfig, ofLayout],
    ],
    vaeToLayout: [
      [tensors, config, 'diffusers'],
      [ofTensors, ofConfig, ofLayout],
    ],
    validateVaeConfig: [[config], [ofConfig]],
    readOriginalVae: [
      [{ encoder: 'none', decoder: 'none' }, config, {}],
      [/^files/, ofConfig, /^options:/],
    ],
    readVae: [['none'], [/^folder:/]],
    recogniseVae: [[foreign], [/^tensors:/]],
    tinyVaePair: [['none'], [/^path:/]],
    writeVae: [
      ['none', { config, tensors }, {}],
      [/^folder:/, /^(files|tensors):/, /^options:/],
    ],
  };
}

type AnyFunction = (...values: unknown[]) => unknown;
const exported = new Map(
  Object.entries({ ...vae, ...folders } as Record<string, unknown>).filter(
    (entry): entry is [string, AnyFunction] => typeof entry[1] === 'function',
  ),
);

/** Where an empty object is as good as any: what is not given has a default. */
const TAKES_EMPTY = /^(encodeVaeFiles 1|klVaeConfig [01]|readOriginalVae 2|tinyVaeConfig [01]|writeVae 2)$/;

test('the table has every function of the package', async () => {
  expect(Object.keys(await goodArguments()).sort()).toEqual([...exported.keys()].sort());
});

test.each([...exported.keys()])('%s names the argument that is null or an empty object', async (name) => {
  const [values, names] = (await goodArguments())[name];
  expect(names).toHaveLength(values.length);
  for (const [place, expected] of names.entries()) {
    for (const wrong of [null, {}, 7]) {
      const what = `${name} ${place}`;
      if (wrong !== null && typeof wrong === 'object' && TAKES_EMPTY.test(what)) continue;
      const call = async () => exported.get(name)?.(...values.with(place, wrong));
      const error = await call().catch((caught: unknown) => caught);
      expect(error, what).toBeInstanceOf(Error);
      expect(error, what).not.toBeInstanceOf(TypeError);
      expect((error as Error).message, what).toMatch(expected);
      expect((error as Error).message, what).toMatch(/expected/);
    }
  }
});

test('an autoencoder that is not there is told by its path, with one reason', async () => {
  await expect(folders.readVae('/nonexistent')).rejects.toThrow(
    /^[/\\]nonexistent[/\\]config\.json: cannot open: no such file or folder \(ENOENT\)$/,
  );
});
