import { shown } from './arguments';
import type { DitConfig } from './config';
import { mlpWidth, outChannels, TIMESTEP_DIMS, tokenCount } from './sizes';

/** How the tensors of a checkpoint are named and shaped. */
export type DitLayout = 'learngene' | 'facebook' | 'diffusers';

/** The key of the patch embedding's weight in each layout: no other layout has it. */
export const PATCH_KEYS = {
  learngene: 'patch.weight',
  facebook: 'x_embedder.proj.weight',
  diffusers: 'pos_embed.proj.weight',
} as const satisfies Record<DitLayout, string>;

/** The key of facebookresearch/DiT's label table. */
export const FACEBOOK_LABELS = 'y_embedder.embedding_table.weight';

/** A tensor of a foreign checkpoint, and our tensors that form its rows (three for a fused qkv). */
export interface LayoutEntry {
  /** Key in the foreign checkpoint. */
  readonly key: string;
  /** Shape in the foreign checkpoint. */
  readonly shape: readonly number[];
  /** Our names, in the order of the rows. */
  readonly names: readonly string[];
}

/** Names and shapes of our parameters, in the order of the tree. */
export function ownShapes(config: DitConfig): Map<string, readonly number[]> {
  const { hiddenSize: D, patchSize: p, inChannels, classes, depth } = config;
  const M = mlpWidth(config);
  const shapes = new Map<string, readonly number[]>();
  const linear = (name: string, out: number, columns: number) => {
    shapes.set(`${name}.weight`, [out, columns]).set(`${name}.bias`, [out]);
  };
  linear('patch', D, inChannels * p * p);
  linear('time.in', D, TIMESTEP_DIMS);
  linear('time.out', D, D);
  shapes.set('label.table', [classes + 1, D]);
  for (let block = 0; block < depth; block++) {
    linear(`blocks.${block}.adaln`, 6 * D, D);
    for (const part of ['q', 'k', 'v', 'o']) linear(`blocks.${block}.attn.${part}`, D, D);
    linear(`blocks.${block}.mlp.in`, M, D);
    linear(`blocks.${block}.mlp.out`, D, M);
  }
  linear('final.adaln', 2 * D, D);
  linear('final.linear', p * p * outChannels(config), D);
  return shapes;
}

/**
 * Key and shape of every tensor of a checkpoint, in the order of the file.
 *
 * 'facebook' is facebookresearch/DiT's state dict (with `pos_embed`; 292 tensors for DiT-XL/2), 'diffusers' that of
 * `DiTTransformer2DModel` (with one copy of the two embedders in each block; 538), 'learngene' ours.
 */
export function ditTensorShapes(config: DitConfig, layout: DitLayout): Map<string, readonly number[]> {
  switch (layout) {
    case 'learngene':
      return ownShapes(config);
    case 'facebook':
      return new Map([
        ['pos_embed', [1, tokenCount(config), config.hiddenSize]],
        ...facebookEntries(config).map(({ key, shape }) => [key, shape] as const),
      ]);
    case 'diffusers':
      return new Map(diffusersEntries(config).map(({ key, shape }) => [key, shape] as const));
    default:
      throw new Error(`layout: expected 'learngene', 'facebook' or 'diffusers', got ${shown(layout)}`);
  }
}

/** Weight and bias of foreign layers, given as [foreign prefix, our prefixes]. */
function linears(shapes: ReadonlyMap<string, readonly number[]>, pairs: [string, string[]][]): LayoutEntry[] {
  return pairs.flatMap(([prefix, names]) =>
    ['weight', 'bias'].map((part) => {
      const [rows, ...rest] = shapes.get(`${names[0]}.${part}`)!;
      const shape = [rows * names.length, ...rest];
      return { key: `${prefix}.${part}`, shape, names: names.map((name) => `${name}.${part}`) };
    }),
  );
}

/** The patch embedding is a convolution elsewhere: the same numbers as [D, C, p, p]. */
function patchEntries({ hiddenSize, inChannels, patchSize }: DitConfig, prefix: string): LayoutEntry[] {
  return [
    { key: `${prefix}.weight`, shape: [hiddenSize, inChannels, patchSize, patchSize], names: ['patch.weight'] },
    { key: `${prefix}.bias`, shape: [hiddenSize], names: ['patch.bias'] },
  ];
}

/** Every trained tensor of facebookresearch/DiT's state dict. */
export function facebookEntries(config: DitConfig): LayoutEntry[] {
  const shapes = ownShapes(config);
  const blocks = Array.from({ length: config.depth }, (_, i) => `blocks.${i}`);
  return [
    ...patchEntries(config, 'x_embedder.proj'),
    ...linears(shapes, [
      ['t_embedder.mlp.0', ['time.in']],
      ['t_embedder.mlp.2', ['time.out']],
    ]),
    { key: FACEBOOK_LABELS, shape: shapes.get('label.table')!, names: ['label.table'] },
    ...blocks.flatMap((block) =>
      linears(shapes, [
        [`${block}.attn.qkv`, ['q', 'k', 'v'].map((part) => `${block}.attn.${part}`)],
        [`${block}.attn.proj`, [`${block}.attn.o`]],
        [`${block}.mlp.fc1`, [`${block}.mlp.in`]],
        [`${block}.mlp.fc2`, [`${block}.mlp.out`]],
        [`${block}.adaLN_modulation.1`, [`${block}.adaln`]],
      ]),
    ),
    ...linears(shapes, [
      ['final_layer.linear', ['final.linear']],
      ['final_layer.adaLN_modulation.1', ['final.adaln']],
    ]),
  ];
}

/** Every tensor of diffusers' state dict; the embedders appear once for each block, block 0's first. */
export function diffusersEntries(config: DitConfig): LayoutEntry[] {
  const shapes = ownShapes(config);
  const blocks = Array.from({ length: config.depth }, (_, i) => [`transformer_blocks.${i}`, `blocks.${i}`]);
  return [
    ...patchEntries(config, 'pos_embed.proj'),
    ...blocks.flatMap(([theirs, ours]) => [
      ...linears(shapes, [
        [`${theirs}.norm1.emb.timestep_embedder.linear_1`, ['time.in']],
        [`${theirs}.norm1.emb.timestep_embedder.linear_2`, ['time.out']],
      ]),
      {
        key: `${theirs}.norm1.emb.class_embedder.embedding_table.weight`,
        shape: shapes.get('label.table')!,
        names: ['label.table'],
      },
      ...linears(shapes, [
        [`${theirs}.norm1.linear`, [`${ours}.adaln`]],
        [`${theirs}.attn1.to_q`, [`${ours}.attn.q`]],
        [`${theirs}.attn1.to_k`, [`${ours}.attn.k`]],
        [`${theirs}.attn1.to_v`, [`${ours}.attn.v`]],
        [`${theirs}.attn1.to_out.0`, [`${ours}.attn.o`]],
        [`${theirs}.ff.net.0.proj`, [`${ours}.mlp.in`]],
        [`${theirs}.ff.net.2`, [`${ours}.mlp.out`]],
      ]),
    ]),
    ...linears(shapes, [
      ['proj_out_1', ['final.adaln']],
      ['proj_out_2', ['final.linear']],
    ]),
  ];
}

/**
 * The modules of a network that hold weights, by their names in a layout, each with the names of our parameters' layers: of
 * diffusers 'transformer_blocks.0.attn1.to_q' is 'blocks.0.attn.q', of facebookresearch/DiT 'blocks.0.attn.qkv' is three. The
 * table of labels is 'label.table'.
 */
export function ditModules(config: DitConfig, layout: DitLayout): Map<string, readonly string[]> {
  const entries = layoutEntries(config, layout);
  const module = (name: string) => name.replace(/\.weight$/, '');
  return new Map(
    entries.flatMap(({ key, names }) => (key.endsWith('.bias') ? [] : [[module(key), names.map(module)] as const])),
  );
}

function layoutEntries(config: DitConfig, layout: DitLayout): Pick<LayoutEntry, 'key' | 'names'>[] {
  switch (layout) {
    case 'learngene':
      return [...ownShapes(config).keys()].map((key) => ({ key, names: [key] }));
    case 'facebook':
      return facebookEntries(config);
    case 'diffusers':
      return diffusersEntries(config);
    default:
      throw new Error(`layout: expected 'learngene', 'facebook' or 'diffusers', got ${shown(layout)}`);
  }
}
