// The page of vae.test.ts: what an app does with an autoencoder on a server.
import { disposeParams, flattenParams, valueAndGrad } from '@learngene/nn';
import { createGenerator, uniform } from '@learngene/random';
import { decodeSafetensors } from '@learngene/tensor-io';
import {
  createAutoencoder,
  decodeVae,
  decodeVaeFiles,
  decodeVaeTiled,
  encodeVae,
  encodeVaeTiled,
  parseVaeConfig,
  samplePosterior,
  type VaeConfig,
  type VaeParams,
  vaeDownscale,
  vaeHash,
  vaeParamsFromTensorData,
} from '@learngene/vae';
import { fetchEmojiVae } from '@learngene/vae-emoji';
import * as tf from '@tensorflow/tfjs-core';
import { type Engine, startEngine } from '../page/engine';
import type { Numbers } from '../src/compare';

const SIDE = 12;

/** What the page computes on an engine, by name, for every autoencoder of the server. */
async function run(engine: Engine, origin: string, names: readonly string[]): Promise<Numbers> {
  await startEngine(engine);
  console.info('the engine runs');
  const tensors = tf.memory().numTensors;
  const numbers: Record<string, number[]> = {};
  for (const name of names) {
    const { config, params, hash } = await load(`${origin}/${name}`);
    numbers[`${name}: hash`] = hashNumbers(hash);
    for (const [what, values] of Object.entries(await results(params, config))) numbers[`${name}: ${what}`] = values;
    console.info(`${name} is computed`);
  }
  Object.assign(numbers, await shippedResults(origin));
  numbers['tensors left'] = [tf.memory().numTensors - tensors];
  return numbers;
}

/** A SHA-256 as eight numbers. */
const hashNumbers = (hash: string) => hash.match(/.{8}/g)!.map((digits) => Number.parseInt(digits, 16));

/** The shipped autoencoder, fetched as an app does, on a picture that it was not trained on. */
async function shippedResults(origin: string): Promise<Record<string, number[]>> {
  const { autoencoder, hash } = await fetchEmojiVae(`${origin}/emoji`);
  const pixels = new Uint8Array(await (await fetch(`${origin}/emoji/picture`)).arrayBuffer());
  const picture = tf.tidy(
    () => tf.sub(tf.div(tf.tensor4d(pixels, [1, 64, 64, 3], 'float32'), 127.5), 1) as tf.Tensor4D,
  );
  const { mean } = autoencoder.encode(picture);
  const rebuilt = autoencoder.decode(mean);
  const error = tf.tidy(() => tf.mean(tf.square(tf.div(tf.sub(tf.clipByValue(rebuilt, -1, 1), picture), 2))));
  const found = {
    'emoji: hash': hashNumbers(hash),
    'emoji: latents': [...(await mean.data())],
    'emoji: images': [...(await rebuilt.data())],
    'emoji: squared error': [...(await error.data())],
  };
  tf.dispose([picture, mean, rebuilt, error]);
  autoencoder.dispose();
  console.info('the shipped autoencoder is computed');
  return found;
}

async function load(folder: string): Promise<{ config: VaeConfig; params: VaeParams; hash: string }> {
  const text = await (await fetch(`${folder}/config.json`)).text();
  const weights = await (await fetch(`${folder}/${parseVaeConfig(text).weights}`)).arrayBuffer();
  const { config, tensors } = decodeVaeFiles(text, decodeSafetensors(new Uint8Array(weights)).tensors);
  return { config, params: vaeParamsFromTensorData(tensors, config), hash: await vaeHash(tensors, config) };
}

/** Latents, images, both in tiles, and the gradient of a training step; disposes the parameters. */
async function results(params: VaeParams, config: VaeConfig): Promise<Record<string, number[]>> {
  const values = uniform(createGenerator(3), SIDE * SIDE * 3, { low: -1, high: 1 });
  const images = tf.tensor4d(values, [1, SIDE, SIDE, 3]);
  const tile = 4 * vaeDownscale(config);

  const posterior = encodeVae(params, images, { config });
  const latents = samplePosterior(posterior, createGenerator(5));
  const decoded = decodeVae(params, latents, { config });
  const tiled = encodeVaeTiled(params, images, { config, tile });
  const joined = decodeVaeTiled(params, latents, { config, tile });
  const { value, grads } = valueAndGrad((p) => {
    const { mean } = encodeVae(p, images, { config });
    return tf.mean(tf.square(tf.sub(decodeVae(p, mean, { config }), images))) as tf.Scalar;
  }, params);
  const flat = await Promise.all([...flattenParams(grads).values()].map(async (leaf) => [...(await leaf.data())]));

  const found = {
    latents: [...(await latents.data())],
    images: [...(await decoded.data())],
    'latents in tiles': [...(await tiled.mean.data())],
    'images in tiles': [...(await joined.data())],
    loss: [...(await value.data())],
    gradient: flat.flat(),
  };
  for (const { mean, logVariance } of [posterior, tiled]) tf.dispose([mean, ...(logVariance ? [logVariance] : [])]);
  tf.dispose([images, latents, decoded, joined, value]);
  disposeParams(grads);
  createAutoencoder(params, config).dispose();
  return found;
}

Object.assign(globalThis, { run });
