import { conv, type LayerSpec } from '../core/layers';
import type { TinyVaeConfig } from './config';

/** Groups of the norm in the pooling branch, and how many times wider the branch is than its block. */
export const POOL_GROUPS = 4;
const POOL_WIDTH = 4;

/** Every layer of a tiny autoencoder, in the order of the forward pass and of torch's modules. */
export function tinyLayers(config: TinyVaeConfig): LayerSpec[] {
  return [...encoderLayers(config), ...decoderLayers(config)];
}

function encoderLayers(config: TinyVaeConfig): LayerSpec[] {
  const { encoderWidths: widths, encoderBlocks: blocks, imageChannels, latentChannels, resampling } = config;
  const innermost = widths.length - 1;
  const levels = widths.flatMap((width, level) => {
    const path = `encoder.levels.${level}`;
    const before = level === 0 ? imageChannels : widths[level - 1];
    const into =
      resampling === 'shuffle'
        ? conv(`${path}.in`, [4 * before, width], { kernel: 1 })
        : conv(`${path}.in`, [before, width], { bias: level === 0 });
    const pooling = config.midBlockPooling && level === innermost;
    return [into, ...blockLayers(path, { width, blocks: blocks[level], convs: config.blockConvs, pooling })];
  });
  return [...levels, conv('encoder.out', [widths[innermost], latentChannels])];
}

function decoderLayers(config: TinyVaeConfig): LayerSpec[] {
  const { decoderWidths: widths, decoderBlocks: blocks, imageChannels, latentChannels, resampling } = config;
  const levels = widths.flatMap((width, level) => {
    const path = `decoder.levels.${level}`;
    const last = level === widths.length - 1;
    const after = last ? imageChannels : widths[level + 1];
    const out =
      resampling === 'shuffle'
        ? conv(`${path}.out`, [width, 4 * after], { kernel: 1 })
        : conv(`${path}.out`, [width, after], { bias: last });
    const pooling = config.midBlockPooling && level === 0;
    return [...blockLayers(path, { width, blocks: blocks[level], convs: config.blockConvs, pooling }), out];
  });
  return [conv('decoder.in', [latentChannels, widths[0]]), ...levels];
}

interface BlockSizes {
  readonly width: number;
  readonly blocks: number;
  readonly convs: number;
  readonly pooling: boolean;
}

function blockLayers(level: string, { width, blocks, convs, pooling }: BlockSizes): LayerSpec[] {
  return Array.from({ length: blocks }, (_, block) => `${level}.blocks.${block}`).flatMap((path) => [
    ...Array.from({ length: convs }, (_, i) => conv(`${path}.conv.${i}`, [width, width])),
    ...(pooling ? poolLayers(`${path}.pool`, width) : []),
  ]);
}

function poolLayers(path: string, width: number): LayerSpec[] {
  const wide = POOL_WIDTH * width;
  return [
    conv(`${path}.in`, [width, wide], { kernel: 1, bias: false }),
    { kind: 'norm', name: `${path}.norm`, channels: wide },
    conv(`${path}.out`, [wide, width], { kernel: 1, bias: false }),
  ];
}
