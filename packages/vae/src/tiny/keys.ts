import type { TinyVaeConfig } from './config';

/** Throws where diffusers' or TAESD's modules cannot be this network. */
export function checkTinyLayout(config: TinyVaeConfig, layout: 'diffusers' | 'original'): void {
  const fixed: Partial<TinyVaeConfig> = {
    blockConvs: 3,
    blockOrder: 'post-activation',
    resampling: 'strided',
    latentClamp: 'decoder',
    ...(layout === 'diffusers' && { midBlockPooling: false }),
  };
  for (const [name, value] of Object.entries(fixed)) {
    const got = config[name as keyof TinyVaeConfig];
    if (got !== value) throw new Error(`${name}: expected ${value} in the ${layout} layout, got ${got}`);
  }
  for (const name of ['encoderWidths', 'decoderWidths'] as const) {
    const widths = config[name];
    if (widths.some((width) => width !== widths[0])) {
      throw new Error(`${name}: expected equal widths in the ${layout} layout, got ${widths.join(', ')}`);
    }
  }
}

/**
 * The foreign prefix of every layer. Both code bases number the modules of a sequence; TAESD's decoder counts its clamp as the
 * first.
 */
export function tinyKeys(config: TinyVaeConfig, layout: 'diffusers' | 'original'): Map<string, string> {
  checkTinyLayout(config, layout);
  const keys = new Map<string, string>();
  const sequence = layout === 'diffusers' ? 'layers.' : '';
  const walk = (part: 'encoder' | 'decoder', first: number) => {
    let next = first;
    return {
      skip: () => next++,
      layer: (name: string) => keys.set(name, `${part}.${sequence}${next++}`),
      blocks: (path: string, count: number, pooling: boolean) => {
        for (let block = 0; block < count; block++) {
          const [ours, theirs] = [`${path}.blocks.${block}`, `${part}.${sequence}${next++}`];
          for (let i = 0; i < config.blockConvs; i++) keys.set(`${ours}.conv.${i}`, `${theirs}.conv.${2 * i}`);
          if (!pooling) continue;
          keys.set(`${ours}.pool.in`, `${theirs}.pool.0`);
          keys.set(`${ours}.pool.norm`, `${theirs}.pool.1`);
          keys.set(`${ours}.pool.out`, `${theirs}.pool.3`);
        }
      },
    };
  };
  const levels = config.encoderWidths.length;
  const encoder = walk('encoder', 0);
  config.encoderBlocks.forEach((count, level) => {
    encoder.layer(`encoder.levels.${level}.in`);
    encoder.blocks(`encoder.levels.${level}`, count, config.midBlockPooling && level === levels - 1);
  });
  encoder.layer('encoder.out');
  const decoder = walk('decoder', layout === 'original' ? 1 : 0);
  decoder.layer('decoder.in');
  decoder.skip(); // the activation
  config.decoderBlocks.forEach((count, level) => {
    decoder.blocks(`decoder.levels.${level}`, count, config.midBlockPooling && level === 0);
    if (level < levels - 1) decoder.skip(); // the upsampling
    decoder.layer(`decoder.levels.${level}.out`);
  });
  return keys;
}
