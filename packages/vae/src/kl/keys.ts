import type { KlVaeConfig } from './config';
import { klLayers } from './layers';

/** Last parts of the names of a block and of the middle's attention: ours, diffusers', CompVis's. */
const PARTS: Readonly<Record<string, readonly [diffusers: string, original: string]>> = {
  norm1: ['norm1', 'norm1'],
  conv1: ['conv1', 'conv1'],
  norm2: ['norm2', 'norm2'],
  conv2: ['conv2', 'conv2'],
  skip: ['conv_shortcut', 'nin_shortcut'],
  down: ['downsamplers.0.conv', 'downsample.conv'],
  up: ['upsamplers.0.conv', 'upsample.conv'],
  norm: ['group_norm', 'norm'],
  q: ['to_q', 'q'],
  k: ['to_k', 'k'],
  v: ['to_v', 'v'],
  o: ['to_out.0', 'proj_out'],
};

/** Names of single layers: ours, diffusers', CompVis's. */
const SINGLE: Readonly<Record<string, readonly [diffusers: string, original: string]>> = {
  'encoder.in': ['encoder.conv_in', 'encoder.conv_in'],
  'encoder.norm': ['encoder.conv_norm_out', 'encoder.norm_out'],
  'encoder.out': ['encoder.conv_out', 'encoder.conv_out'],
  'decoder.in': ['decoder.conv_in', 'decoder.conv_in'],
  'decoder.norm': ['decoder.conv_norm_out', 'decoder.norm_out'],
  'decoder.out': ['decoder.conv_out', 'decoder.conv_out'],
  quant: ['quant_conv', 'quant_conv'],
  postQuant: ['post_quant_conv', 'post_quant_conv'],
};

/** The foreign prefix of every layer. */
export function klKeys(config: KlVaeConfig, layout: 'diffusers' | 'original'): Map<string, string> {
  const at = layout === 'diffusers' ? 0 : 1;
  const last = config.widths.length - 1;
  return new Map(
    klLayers(config).map(({ name }) => [name, SINGLE[name]?.[at] ?? innerKey(name, { diffusers: at === 0, last })]),
  );
}

/** The foreign prefix of a layer of a level or of the middle. */
function innerKey(name: string, { diffusers, last }: { diffusers: boolean; last: number }): string {
  const [coder, place, ...rest] = name.split('.');
  const part = PARTS[rest[rest.length - 1]][diffusers ? 0 : 1];
  if (place === 'mid') {
    const inside = {
      in: diffusers ? 'resnets.0' : 'block_1',
      attn: diffusers ? 'attentions.0' : 'attn_1',
      out: diffusers ? 'resnets.1' : 'block_2',
    }[rest[0] as 'in' | 'attn' | 'out'];
    return `${coder}.${diffusers ? 'mid_block' : 'mid'}.${inside}.${part}`;
  }
  const level = Number(rest[0]);
  // CompVis numbers the levels of its decoder from the outermost, against the order of the computation.
  const theirs = !diffusers && coder === 'decoder' ? last - level : level;
  const direction = coder === 'encoder' ? 'down' : 'up';
  const block = rest[1] === 'blocks' ? `${diffusers ? 'resnets' : 'block'}.${rest[2]}.` : '';
  return `${coder}.${direction}${diffusers ? '_blocks' : ''}.${theirs}.${block}${part}`;
}

/** Names of the middle's attention in checkpoints that older versions of diffusers wrote. */
const OLD_ATTENTION: readonly (readonly [old: string, now: string])[] = [
  ['query', 'to_q'],
  ['key', 'to_k'],
  ['value', 'to_v'],
  ['proj_attn', 'to_out.0'],
];

/** Today's diffusers key for one of an older version; other keys as they are. */
export function currentKlKey(key: string): string {
  for (const [old, now] of OLD_ATTENTION) {
    if (key.includes(`.attentions.0.${old}.`)) return key.replace(`.attentions.0.${old}.`, `.attentions.0.${now}.`);
  }
  return key;
}
