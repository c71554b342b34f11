import type { Generator } from '@learngene/random';
import { type VaeConfig, validateVaeConfig } from './config';
import { checkGenerator } from './core/arguments';
import { initLayers, type LayerSpec } from './core/layers';
import type { KlVaeConfig } from './kl/config';
import { klLayers } from './kl/layers';
import type { KlVaeParams } from './kl/params';
import type { VaeParams } from './params';
import type { TinyVaeConfig } from './tiny/config';
import { tinyLayers } from './tiny/layers';
import type { TinyVaeParams } from './tiny/params';

/** Every layer of an autoencoder. */
export function vaeLayers(config: VaeConfig): LayerSpec[] {
  return config.type === 'tiny' ? tinyLayers(config) : klLayers(config);
}

/**
 * Fresh parameters, f32, owned by the caller: torch's default initialisation, in the order of diffusers' modules. A
 * generator seeded as torch's gives the weights that diffusers' class of the same configuration starts with.
 *
 * @param g - advanced.
 * @throws on an invalid config and on what is no generator
 */
export function initVae(g: Generator, config: TinyVaeConfig): TinyVaeParams;
export function initVae(g: Generator, config: KlVaeConfig): KlVaeParams;
export function initVae(g: Generator, config: VaeConfig): VaeParams;
export function initVae(g: Generator, config: VaeConfig): VaeParams {
  checkGenerator(g);
  validateVaeConfig(config);
  return initLayers(g, vaeLayers(config)) as VaeParams;
}
