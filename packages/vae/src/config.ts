import { checkConfig, checkObject, shown } from './core/arguments';
import { type KlVaeConfig, validateKlVaeConfig } from './kl/config';
import { type TinyVaeConfig, validateTinyVaeConfig } from './tiny/config';

/** The configuration of an autoencoder: plain JSON that decides shapes and numbers. */
export type VaeConfig = TinyVaeConfig | KlVaeConfig;

/** Throws on the first field that is missing, unknown or out of range; the message names it. */
export function validateVaeConfig(config: VaeConfig): void {
  checkObject('config', config);
  if (config.type === 'tiny') validateTinyVaeConfig(config);
  else if (config.type === 'kl') validateKlVaeConfig(config);
  else throw new Error(`type: expected 'tiny' or 'kl', got ${shown((config as { type: unknown }).type)}`);
}

/** Sides of an image divided by those of its latents: 8 for Stable Diffusion. */
export function vaeDownscale(config: VaeConfig): number {
  checkConfig(config);
  switch (config.type) {
    case 'tiny':
      return 2 ** (config.encoderWidths.length - (config.resampling === 'shuffle' ? 0 : 1));
    case 'kl':
      return 2 ** (config.widths.length - 1);
  }
}
