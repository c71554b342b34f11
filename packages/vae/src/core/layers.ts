import { initConv, initLinear, type ParamTree, unflattenParams } from '@learngene/nn';
import type { Generator } from '@learngene/random';
import type { Tensor } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';

/** One layer of an autoencoder: the name of its sub-tree and its sizes. */
export type LayerSpec =
  | {
      readonly kind: 'conv';
      readonly name: string;
      readonly in: number;
      readonly out: number;
      readonly kernel: number;
      readonly bias: boolean;
    }
  | { readonly kind: 'linear'; readonly name: string; readonly in: number; readonly out: number }
  | { readonly kind: 'norm'; readonly name: string; readonly channels: number };

/** Settings of {@link conv}. */
interface ConvSettings {
  /** Side of the kernel (default 3). */
  readonly kernel?: number;
  /** Whether there is a bias (default true). */
  readonly bias?: boolean;
}

/** A convolution from `channels[0]` to `channels[1]` channels. */
export function conv(
  name: string,
  channels: readonly [number, number],
  { kernel = 3, bias = true }: ConvSettings = {},
): LayerSpec {
  return { kind: 'conv', name, in: channels[0], out: channels[1], kernel, bias };
}

/** Name and shape, in memory, of every parameter. */
export function layerShapes(layers: readonly LayerSpec[]): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  for (const layer of layers) {
    const { name, kind } = layer;
    if (kind === 'conv') shapes.set(`${name}.weight`, [layer.kernel, layer.kernel, layer.in, layer.out]);
    if (kind === 'linear') shapes.set(`${name}.weight`, [layer.out, layer.in]);
    if (kind === 'norm') shapes.set(`${name}.weight`, [layer.channels]);
    if (kind !== 'conv' || layer.bias) shapes.set(`${name}.bias`, [kind === 'norm' ? layer.channels : layer.out]);
  }
  return shapes;
}

/**
 * Fresh parameters as torch's modules start theirs, drawn in the order of the layers. The caller owns them.
 *
 * @param g - advanced.
 */
export function initLayers(g: Generator, layers: readonly LayerSpec[]): ParamTree {
  const leaves = new Map<string, Tensor>();
  for (const layer of layers) {
    const params = initLayer(g, layer);
    leaves.set(`${layer.name}.weight`, params.weight);
    if (params.bias) leaves.set(`${layer.name}.bias`, params.bias);
  }
  return unflattenParams(leaves);
}

function initLayer(g: Generator, layer: LayerSpec): { weight: Tensor; bias?: Tensor } {
  switch (layer.kind) {
    case 'conv':
      return initConv(g, layer);
    case 'linear':
      return initLinear(g, { in: layer.in, out: layer.out });
    case 'norm':
      return { weight: tf.ones([layer.channels]), bias: tf.zeros([layer.channels]) };
  }
}
