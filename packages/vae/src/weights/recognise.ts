import type { VaeConfig } from '../config';
import { checkTensors } from '../core/arguments';
import type { VaeLayout } from './layouts';

/** What the names and shapes of tensors tell of an autoencoder. Its scale and its clamps are in its configuration alone. */
export interface VaeWeightsDescription {
  /** Which autoencoder. */
  readonly type: VaeConfig['type'];
  /** How its tensors are named. */
  readonly layout: VaeLayout;
  /** Channels of an image. */
  readonly imageChannels: number;
  /** Channels of a latent. */
  readonly latentChannels: number;
}

/** A tensor that every autoencoder of a signature has, and the axis of its shape that says channels. */
type Channels = readonly [key: string, axis: number];

interface Signature extends Pick<VaeWeightsDescription, 'type' | 'layout'> {
  /** A tensor that only these autoencoders have. */
  readonly mark: string;
  /** Where the channels of an image stand. */
  readonly image: Channels;
  /** Where those of a latent do. */
  readonly latent: Channels;
}

/** Convolutions are [out, in, h, w] in foreign layouts, [h, w, in, out] in ours. */
const SIGNATURES: readonly Signature[] = [
  {
    type: 'kl',
    layout: 'diffusers',
    mark: 'encoder.mid_block.resnets.0.norm1.weight',
    image: ['encoder.conv_in.weight', 1],
    latent: ['decoder.conv_in.weight', 1],
  },
  {
    type: 'kl',
    layout: 'original',
    mark: 'encoder.mid.block_1.norm1.weight',
    image: ['encoder.conv_in.weight', 1],
    latent: ['decoder.conv_in.weight', 1],
  },
  {
    type: 'kl',
    layout: 'learngene',
    mark: 'encoder.mid.in.norm1.weight',
    image: ['encoder.in.weight', 2],
    latent: ['decoder.in.weight', 2],
  },
  {
    type: 'tiny',
    layout: 'diffusers',
    mark: 'encoder.layers.0.bias',
    image: ['encoder.layers.0.weight', 1],
    latent: ['decoder.layers.0.weight', 1],
  },
  {
    type: 'tiny',
    layout: 'original',
    mark: 'encoder.0.bias',
    image: ['encoder.0.weight', 1],
    latent: ['decoder.1.weight', 1],
  },
  {
    type: 'tiny',
    layout: 'learngene',
    mark: 'encoder.levels.0.in.bias',
    image: ['encoder.levels.0.in.weight', 2],
    latent: ['decoder.in.weight', 2],
  },
];

/**
 * Tells an autoencoder by the names and shapes of its tensors, in any of the layouts.
 *
 * @param tensors - the tensors of a file, by name.
 * @returns undefined for anything else
 */
export function recogniseVae(
  tensors: ReadonlyMap<string, { readonly shape: readonly number[] }>,
): VaeWeightsDescription | undefined {
  checkTensors(tensors);
  const at = ([key, axis]: Channels) => tensors.get(key)?.shape[axis];
  for (const { type, layout, mark, image, latent } of SIGNATURES) {
    if (!tensors.has(mark)) continue;
    const [inputs, latentChannels] = [at(image), at(latent)];
    if (inputs === undefined || latentChannels === undefined) continue;
    // A first layer of 1x1 takes blocks of 2x2 pixels.
    const isShuffle = type === 'tiny' && layout === 'learngene' && tensors.get(image[0])?.shape[0] === 1;
    return { type, layout, imageChannels: isShuffle ? inputs / 4 : inputs, latentChannels };
  }
  return undefined;
}
