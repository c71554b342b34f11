import { flattenParams, paramsToTensorData, valueAndGrad } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import type { NamedTensors } from '@learngene/tensor-io';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it as test } from 'vitest';
import {
  decodeVae,
  encodeVae,
  initVae,
  posteriorKl,
  samplePosterior,
  tinyVaeConfig,
  type VaeConfig,
  type VaeLayout,
  type VaeParams,
  vaeConfigFromDiffusers,
  vaeDownscale,
  vaeFromLayout,
  vaeParamsFromTensorData,
  vaeTensorShapes,
  vaeToLayout,
} from '../src/index';
import { engine, everything, slowEngine } from './engine';
import { drawState, errorOf, imagesOf, latentsOf, readResults, summaryOf, valuesOf } from './fixtures';
import { useVaeBackend } from './setup';

const TOLERANCE = 1e-4;
/** Milliseconds: the weights of `sd1` alone take ten seconds to draw, and a minute on a busy machine. */
const LONG = 300_000;

beforeAll(useVaeBackend);

interface Case {
  readonly config: () => VaeConfig;
  readonly layout: VaeLayout;
  /** Sides of images. */
  readonly sides: readonly number[];
  /** Sides that slow engines compute; `sides` where absent. */
  readonly slowSides?: readonly number[];
  readonly gradients?: boolean;
}

const diffusers = (name: string): Pick<Case, 'config' | 'layout'> => ({
  config: () => vaeConfigFromDiffusers(summaryOf(name).config),
  layout: 'diffusers',
});

const cases: Record<string, Case> = {
  // At 256 pixels half a minute on cpu, where pooled and shuffle are that large.
  tiny: { ...diffusers('tiny'), sides: [64, 256], slowSides: [64] },
  'tiny-latents': { ...diffusers('tiny-latents'), sides: [64], gradients: true },
  // As tiny, with four times the channels.
  taesd: { ...diffusers('taesd'), sides: [64], slowSides: [] },
  pooled: {
    config: () =>
      tinyVaeConfig('taef2', {
        encoderWidths: [8, 8, 8, 8],
        decoderWidths: [8, 8, 8, 8],
        latentChannels: 6,
      }),
    layout: 'original',
    sides: [64, 256],
    gradients: true,
  },
  shuffle: {
    config: () =>
      tinyVaeConfig('shuffle', { encoderWidths: [8, 12, 16], decoderWidths: [16, 12, 8], latentChannels: 5 }),
    layout: 'learngene',
    sides: [64, 256],
    gradients: true,
  },
  kl: { ...diffusers('kl'), sides: [32, 64], slowSides: [32], gradients: true },
  'kl-plain': { ...diffusers('kl-plain'), sides: [64], gradients: true },
  'kl-sd': { ...diffusers('kl-sd'), sides: [64, 256], slowSides: [] },
  // As kl-sd with a sixteenth of its products: what slow engines compute at 256 pixels.
  'kl-narrow': { ...diffusers('kl-narrow'), sides: [256] },
  // 83 million parameters, most of its time for drawing them: on the fastest engine alone.
  sd1: { ...diffusers('sd1'), sides: engine === 'native' || everything ? [64] : [], slowSides: [] },
};

function sidesOf({ sides, slowSides }: Case): readonly number[] {
  return slowEngine ? (slowSides ?? sides) : sides;
}

const here = Object.keys(cases).filter((name) => sidesOf(cases[name]).length > 0);

describe.each(here)('the %s autoencoder', (name) => {
  const { layout, gradients } = cases[name];
  const sides = sidesOf(cases[name]);
  let config: VaeConfig;
  let params: VaeParams;
  let results: NamedTensors;
  const worst: Record<string, number> = {};

  beforeAll(() => {
    config = cases[name].config();
    const state = drawState(layout === 'diffusers' ? summaryOf(name).shapes : shapesOf(config, layout));
    params = vaeParamsFromTensorData(layout === 'learngene' ? state : vaeFromLayout(state, config, layout), config);
    results = readResults(name);
  }, LONG);

  afterAll(() => {
    if (process.env.LEARNGENE_PRINT) console.log(engine, name, worst);
  });

  test.each(sides)(
    "has the reference's latents and images at %i pixels",
    async (side) => {
      const images = imagesOf(side);
      const { mean, logVariance } = encodeVae(params, images, { config });
      const encoded = logVariance ? await moments(mean, logVariance) : await mean.data();
      expect((worst[`encoded ${side}`] = errorOf(encoded, valuesOf(results, `encoded.${side}`)))).toBeLessThan(
        TOLERANCE,
      );

      const latents = latentsOf(side / vaeDownscale(config), config.latentChannels);
      const decoded = await decodeVae(params, latents, { config }).data();
      expect((worst[`decoded ${side}`] = errorOf(decoded, valuesOf(results, `decoded.${side}`)))).toBeLessThan(
        TOLERANCE,
      );

      if (side !== sides[0]) return;
      const rebuilt = await decodeVae(params, mean, { config }).data();
      expect((worst[`rebuilt ${side}`] = errorOf(rebuilt, valuesOf(results, `rebuilt.${side}`)))).toBeLessThan(
        TOLERANCE,
      );
    },
    LONG,
  );

  test.runIf(gradients)("has the reference's gradient in every parameter and in the images", async () => {
    const images = imagesOf(16, 1, 2);
    const weight = latentsOf(16, 3, { seed: 5, batch: 2 });
    const { grads } = valueAndGrad(
      (p) => {
        const { mean } = encodeVae(p.params, p.images, { config });
        return tf.sum(tf.mul(decodeVae(p.params, mean, { config }), weight)) as tf.Scalar;
      },
      { params, images },
    );
    expect((worst['grad images'] = errorOf(await grads.images.data(), valuesOf(results, 'grad.images')))).toBeLessThan(
      TOLERANCE,
    );
    const own = await paramsToTensorData(grads.params);
    const named = layout === 'learngene' ? own : vaeToLayout(own, config, layout);
    expect(named.size).toBe(flattenParams(params).size);
    for (const [key, { data }] of named) {
      const theirs = valuesOf(results, `grad.${key}`);
      // A bias of the keys moves all scores of a query alike: its gradient is 0 but for rounding.
      if (key.includes('to_k.bias')) continue;
      const error = errorOf(data as Float32Array, theirs, 'gradient');
      worst.grad = Math.max(worst.grad ?? 0, error);
      expect(error, key).toBeLessThan(TOLERANCE);
    }
  });
});

async function moments(mean: tf.Tensor4D, logVariance: tf.Tensor4D): Promise<ArrayLike<number>> {
  return tf.concat([mean, logVariance], 3).data();
}

function shapesOf(config: VaeConfig, layout: VaeLayout): Record<string, readonly number[]> {
  return Object.fromEntries(vaeTensorShapes(config, layout));
}

describe.each(['kl', 'kl-plain'])("the %s autoencoder's posterior", (name) => {
  test("has diffusers' sample and divergence", async () => {
    const config = vaeConfigFromDiffusers(summaryOf(name).config);
    const state = drawState(summaryOf(name).shapes);
    const params = vaeParamsFromTensorData(vaeFromLayout(state, config, 'diffusers'), config);
    const results = readResults(name);
    const posterior = encodeVae(params, imagesOf(16, 1, 2), { config });
    const sample = await samplePosterior(posterior, createGenerator(7)).data();
    expect(errorOf(sample, valuesOf(results, 'sample'))).toBeLessThan(TOLERANCE);
    expect(errorOf(await posteriorKl(posterior).data(), valuesOf(results, 'kl'))).toBeLessThan(TOLERANCE);
  });
});

describe.each(['tiny', 'tiny-latents', 'kl', 'kl-plain', 'kl-sd'])('a fresh %s autoencoder', (name) => {
  test('starts with the numbers of the class of diffusers under the same seed', async () => {
    const { config: file, start, shapes } = summaryOf(name);
    const config = vaeConfigFromDiffusers(file);
    const fresh = vaeToLayout(await paramsToTensorData(initVae(createGenerator(0), config)), config, 'diffusers');
    expect(Object.fromEntries([...fresh].map(([key, { shape }]) => [key, [...shape]]))).toEqual(shapes);
    for (const [key, [first, last]] of Object.entries(start)) {
      const { data } = fresh.get(key)!;
      expect(Math.abs(Number(data[0]) - first), key).toBeLessThan(1e-7);
      expect(Math.abs(Number(data[data.length - 1]) - last), key).toBeLessThan(1e-7);
    }
  });
});
