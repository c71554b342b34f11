import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { disposeParams, paramsToTensorData } from '@learngene/nn';
import { noProgress, parseConfig } from '@learngene/pipeline';
import { readAutoencoder } from '@learngene/pipeline/node';
import { createGenerator } from '@learngene/random';
import { writeSafetensors } from '@learngene/tensor-io/node';
import { tinyImages } from '@learngene/testing';
import { initVae, klVaeConfig, tinyVaeConfig, type VaeConfig } from '@learngene/vae';
import { writeVae } from '@learngene/vae/node';
import { openData } from '../src/data/open-data';
import type { EncodeFolderOptions } from '../src/latents/encode-folder';

const widths = { encoderWidths: [4, 4], encoderBlocks: [0, 1], decoderWidths: [4, 4], decoderBlocks: [1, 0] };
const tiny = tinyVaeConfig('taesd', { ...widths, blockConvs: 1, scalingFactor: 2, shiftFactor: 0.1 });

async function makeVae(path: string, config: VaeConfig, seed: number): Promise<void> {
  const params = initVae(createGenerator(seed), config);
  await writeVae(path, { config, tensors: await paramsToTensorData(params) });
  disposeParams(params);
}

/** Writes packed images of three classes. */
export async function makeImages(path: string, perClass = 12): Promise<void> {
  const { tensors, metadata } = tinyImages({ perClass });
  await writeSafetensors(path, tensors, { metadata });
}

/** Writes two tiny autoencoders, one of the KL family, and packed images. Needs a backend. */
export async function makeTinyLatents(folder: string): Promise<void> {
  const at = (name: string) => join(folder, name);
  await makeVae(at('vae'), tiny, 1);
  await makeVae(at('other-vae'), tiny, 2);
  await makeVae(
    at('kl'),
    klVaeConfig({ widths: [4, 4], normGroups: 2, midBlockAttention: false, latentChannels: 2, blocksPerLevel: 1 }),
    3,
  );
  await makeImages(at('images.safetensors'));
}

/** How the packed images of {@link makeTinyLatents} are encoded. */
export async function encodeOptions(
  folder: string,
  more: Partial<EncodeFolderOptions> = {},
  vae = 'vae',
): Promise<EncodeFolderOptions> {
  const { data } = parseConfig({ data: { path: join(folder, 'images.safetensors') } }, 'test');
  const { dataset, recipe } = await openData(data, noProgress);
  return {
    dataset,
    data: recipe,
    autoencoder: await readAutoencoder({ path: join(folder, vae) }),
    stored: 'mean',
    seed: 0,
    crops: 1,
    mirrored: true,
    shardImages: 10,
    batchSize: 4,
    progress: noProgress,
    signal: new AbortController().signal,
    ...more,
  };
}

/** SHA-256 of a file. */
export const hashOf = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');
