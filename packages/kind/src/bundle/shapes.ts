import type { Shaped } from '../check-shapes';
import { type AnyKindConfig, networkOf, tailorRankOf } from '../config-types';
import { gateWidth } from '../count';
import type { TailorGroup } from '../tailor-groups';

/** Name and shape of every tensor of a part. */
export type Shapes = Map<string, readonly number[]>;

/** Tensors of learngenes.safetensors. Where `pruned` is true, ranks are those of `tensors`. */
export function learngeneShapes(config: AnyKindConfig, tensors: ReadonlyMap<string, Shaped>): Shapes {
  return factorShapes(config, tensors, { rank: config.learngeneRank, learngenes: true });
}

/** Tensors of the file of a group. Where `pruned` is true, a layer may be absent. */
export function tailorShapes(config: AnyKindConfig, group: TailorGroup, tensors: ReadonlyMap<string, Shaped>): Shapes {
  const shapes = factorShapes(config, tensors, { rank: tailorRankOf(config, group), learngenes: false });
  for (const [name, shape] of Object.entries(networkOf(config).rows))
    shapes.set(name, [group.classes.length, ...shape]);
  return shapes;
}

/** Tensors of shared.safetensors: the dense parts that all classes share, and the soft gate. */
export function sharedShapes(config: AnyKindConfig): Shapes {
  const { groups, gate } = config;
  const shapes: Shapes = new Map(Object.entries(networkOf(config).shared));
  if (gate === 'soft') shapes.set('gate.weight', [groups.length, gateWidth(config)]).set('gate.bias', [groups.length]);
  return shapes;
}

function factorShapes(
  config: AnyKindConfig,
  tensors: ReadonlyMap<string, Shaped>,
  { rank: full, learngenes }: { rank: number; learngenes: boolean },
): Shapes {
  const shapes: Shapes = new Map();
  for (const { name, in: inputs, out } of networkOf(config).layers) {
    const parts = ['u', 's', 'v'].map((part) => tensors.get(`${name}.${part}`));
    if (config.pruned && !learngenes && parts.every((part) => part === undefined)) continue;
    const rank = config.pruned ? prunedRank(name, parts[1], full) : full;
    shapes.set(`${name}.u`, [out, rank]).set(`${name}.s`, [rank]).set(`${name}.v`, [inputs, rank]);
    if (learngenes) shapes.set(`${name}.bias`, [out]);
  }
  return shapes;
}

function prunedRank(name: string, s: Shaped | undefined, full: number): number {
  const rank = s?.shape.length === 1 ? s.shape[0] : 0;
  if (rank >= 1 && rank <= full) return rank;
  throw new Error(`${name}.s: expected 1 to ${full} components, got ${s ? `[${s.shape.join(', ')}]` : 'none'}`);
}
