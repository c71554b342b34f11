import type { VaeConfig } from '../config';
import type { LayerSpec } from '../core/layers';
import { vaeLayers } from '../init';
import { klKeys } from '../kl/keys';
import { tinyKeys } from '../tiny/keys';

/**
 * How the tensors of a checkpoint are named and shaped. 'learngene': our names, as in memory. 'diffusers': those of
 * `AutoencoderTiny` and `AutoencoderKL`. 'original': those of TAESD, with `encoder.` and `decoder.` before the names in its two
 * files, or of CompVis's `AutoencoderKL`.
 */
export type VaeLayout = 'learngene' | 'diffusers' | 'original';

/** One tensor of a checkpoint and ours that it becomes. */
export interface LayoutEntry {
  /** Key in the checkpoint. */
  readonly key: string;
  /** Name of ours. */
  readonly name: string;
  /** Shapes that the checkpoint may have; the first is written. */
  readonly shapes: readonly (readonly number[])[];
  /** What the tensor is. */
  readonly kind: 'convolution' | 'matrix' | 'vector';
}

/** Every tensor of a checkpoint in a foreign layout, in the order of the layers. */
export function layoutEntries(config: VaeConfig, layout: Exclude<VaeLayout, 'learngene'>): LayoutEntry[] {
  const layers = vaeLayers(config);
  const keys = config.type === 'tiny' ? tinyKeys(config, layout) : klKeys(config, layout);
  return layers.flatMap((layer) => {
    const prefix = keys.get(layer.name);
    if (prefix === undefined) throw new Error(`layout: ${layer.name} has no name in the ${layout} layout`);
    const squares = layout === 'original' && config.type === 'kl'; // CompVis has 1x1 convolutions as projections
    return layerEntries(layer, prefix, squares);
  });
}

function layerEntries(layer: LayerSpec, prefix: string, squares: boolean): LayoutEntry[] {
  const entry = (part: string, kind: LayoutEntry['kind'], ...shapes: number[][]): LayoutEntry => ({
    key: `${prefix}.${part}`,
    name: `${layer.name}.${part}`,
    shapes,
    kind,
  });
  switch (layer.kind) {
    case 'norm':
      return ['weight', 'bias'].map((part) => entry(part, 'vector', [layer.channels]));
    case 'linear': {
      const { in: columns, out: rows } = layer;
      const flat = [rows, columns];
      const square = [rows, columns, 1, 1];
      return [
        entry('weight', 'matrix', ...(squares ? [square, flat] : [flat, square])),
        entry('bias', 'vector', [rows]),
      ];
    }
    case 'conv': {
      const weight = entry('weight', 'convolution', [layer.out, layer.in, layer.kernel, layer.kernel]);
      return layer.bias ? [weight, entry('bias', 'vector', [layer.out])] : [weight];
    }
  }
}
