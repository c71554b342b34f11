import { conv, type LayerSpec } from '../core/layers';
import type { KlVaeConfig } from './config';

/** Every layer of an AutoencoderKL, in the order of torch's modules in diffusers. */
export function klLayers(config: KlVaeConfig): LayerSpec[] {
  const { latentChannels: Z } = config;
  return [
    ...encoderLayers(config),
    ...decoderLayers(config),
    ...(config.quantConv ? [conv('quant', [2 * Z, 2 * Z], { kernel: 1 })] : []),
    ...(config.postQuantConv ? [conv('postQuant', [Z, Z], { kernel: 1 })] : []),
  ];
}

function encoderLayers(config: KlVaeConfig): LayerSpec[] {
  const { widths, blocksPerLevel, imageChannels, latentChannels } = config;
  const innermost = widths.length - 1;
  const levels = widths.flatMap((width, level) => {
    const path = `encoder.levels.${level}`;
    const down = level === innermost ? [] : [conv(`${path}.down`, [width, width])];
    return [...blockList(path, [widths[Math.max(0, level - 1)], width], blocksPerLevel), ...down];
  });
  return [
    conv('encoder.in', [imageChannels, widths[0]]),
    ...levels,
    ...midLayers('encoder.mid', config),
    norm('encoder.norm', widths[innermost]),
    conv('encoder.out', [widths[innermost], 2 * latentChannels]),
  ];
}

function decoderLayers(config: KlVaeConfig): LayerSpec[] {
  const { blocksPerLevel, imageChannels, latentChannels } = config;
  const widths = config.widths.toReversed();
  const outermost = widths.length - 1;
  const levels = widths.flatMap((width, level) => {
    const path = `decoder.levels.${level}`;
    const up = level === outermost ? [] : [conv(`${path}.up`, [width, width])];
    return [...blockList(path, [widths[Math.max(0, level - 1)], width], blocksPerLevel + 1), ...up];
  });
  return [
    conv('decoder.in', [latentChannels, widths[0]]),
    ...midLayers('decoder.mid', config),
    ...levels,
    norm('decoder.norm', widths[outermost]),
    conv('decoder.out', [widths[outermost], imageChannels]),
  ];
}

/** Blocks of a level: the first leads from the channels of the level before. */
function blockList(level: string, [before, width]: readonly [number, number], count: number): LayerSpec[] {
  return Array.from({ length: count }, (_, i) =>
    blockLayers(`${level}.blocks.${i}`, [i === 0 ? before : width, width]),
  ).flat();
}

function blockLayers(path: string, [before, width]: readonly [number, number]): LayerSpec[] {
  return [
    norm(`${path}.norm1`, before),
    conv(`${path}.conv1`, [before, width]),
    norm(`${path}.norm2`, width),
    conv(`${path}.conv2`, [width, width]),
    ...(before === width ? [] : [conv(`${path}.skip`, [before, width], { kernel: 1 })]),
  ];
}

function midLayers(path: string, { widths, midBlockAttention }: KlVaeConfig): LayerSpec[] {
  const width = widths[widths.length - 1];
  const projections = ['q', 'k', 'v', 'o'].map(
    (name): LayerSpec => ({ kind: 'linear', name: `${path}.attn.${name}`, in: width, out: width }),
  );
  return [
    ...blockLayers(`${path}.in`, [width, width]),
    ...(midBlockAttention ? [norm(`${path}.attn.norm`, width), ...projections] : []),
    ...blockLayers(`${path}.out`, [width, width]),
  ];
}

function norm(name: string, channels: number): LayerSpec {
  return { kind: 'norm', name, channels };
}
