import { disposeParams, paramsToTensorData } from '@learngene/nn';
import { createGenerator } from '@learngene/random';
import { initVae, tinyVaeConfig } from '@learngene/vae';
import { writeVae } from '@learngene/vae/node';

/** Images of 8x8 become latents of 4x4 with three channels. */
const tinyVae = tinyVaeConfig('taesd', {
  encoderWidths: [4, 4],
  encoderBlocks: [0, 1],
  decoderWidths: [4, 4],
  decoderBlocks: [1, 0],
  blockConvs: 1,
  latentChannels: 3,
  scalingFactor: 2,
  shiftFactor: 0.1,
});

/** Writes a tiny autoencoder with random weights. Needs a backend. */
export async function writeTinyVae(path: string, seed: number): Promise<string> {
  const params = initVae(createGenerator(seed), tinyVae);
  await writeVae(path, { config: tinyVae, tensors: await paramsToTensorData(params) });
  disposeParams(params);
  return path;
}
