import type { VaeConfig } from '../config';
import type { TinyVaeConfig } from '../tiny/config';

/** Whether a value of the result depends on a bounded part of the input: no group norm and no attention. */
export function isLocal(config: VaeConfig): config is TinyVaeConfig {
  return config.type === 'tiny' && !config.midBlockPooling;
}

/**
 * How far an encoder without norm sees: the pixels on each side of a latent's own square that it depends on, rounded up to a
 * multiple of the downscale factor.
 */
export function encoderReach(config: TinyVaeConfig, downscale: number): number {
  let reach = 0; // in pixels of the image
  let pixel = 1; // of the current level, in pixels of the image
  config.encoderBlocks.forEach((blocks, level) => {
    if (config.resampling === 'shuffle')
      pixel *= 2; // squares are joined without looking beyond them
    else {
      reach += pixel;
      if (level > 0) pixel *= 2;
    }
    reach += blocks * config.blockConvs * pixel;
  });
  return Math.ceil((reach + pixel) / downscale) * downscale;
}

/** How far a decoder without norm sees: the latents on each side of its own that a pixel depends on. */
export function decoderReach(config: TinyVaeConfig): number {
  let reach = 1; // in latents
  let pixel = 1; // of the current level, in latents
  const last = config.decoderBlocks.length - 1;
  config.decoderBlocks.forEach((blocks, level) => {
    reach += blocks * config.blockConvs * pixel;
    if (config.resampling === 'shuffle') pixel /= 2;
    else {
      if (level < last) pixel /= 2;
      reach += pixel;
    }
  });
  return Math.ceil(reach);
}
