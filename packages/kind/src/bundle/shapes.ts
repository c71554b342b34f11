import { blockLinearNames, ditTensorShapes, linearShape } from '@learngene/dit';
import type { KindConfig } from '../config';
import type { TailorGroup } from '../tailor-groups';

/** What is checked of a tensor: a file's TensorData or a tfjs tensor. */
interface Shaped {
  /** 'F32' in a file, 'float32' in memory. */
  readonly dtype: string;
  /** Sizes of the axes. */
  readonly shape: readonly number[];
}

/** Name and shape of every tensor of a piece. */
type Shapes = Map<string, readonly number[]>;

/** Tensors of learngenes.safetensors; ranks are read from `tensors` where the config says pruned. */
export function learngeneShapes(config: KindConfig, tensors: ReadonlyMap<string, Shaped>): Shapes {
  return factorShapes(config, tensors, { rank: config.learngeneRank, learngenes: true });
}

/** Tensors of a group's tailor file; a layer may be absent where the config says pruned. */
export function tailorShapes(config: KindConfig, group: TailorGroup, tensors: ReadonlyMap<string, Shaped>): Shapes {
  const shapes = factorShapes(config, tensors, { rank: config.tailorRank, learngenes: false });
  return shapes.set('label.rows', [group.classes.length, config.dit.hiddenSize]);
}

/** Tensors of shared.safetensors: a DiT's without label table and main layers, the null label's row, the soft gate. */
export function sharedShapes(config: KindConfig): Shapes {
  const { dit, groups, gate } = config;
  const main = new Set(blockLinearNames(dit).flatMap((name) => [`${name}.weight`, `${name}.bias`]));
  const dense = [...ditTensorShapes(dit, 'learngene')].filter(([name]) => name !== 'label.table' && !main.has(name));
  const shapes: Shapes = new Map([...dense, ['label.null', [1, dit.hiddenSize]]]);
  if (gate === 'soft') shapes.set('gate.weight', [groups.length, dit.hiddenSize]).set('gate.bias', [groups.length]);
  return shapes;
}

function factorShapes(
  config: KindConfig,
  tensors: ReadonlyMap<string, Shaped>,
  { rank: full, learngenes }: { rank: number; learngenes: boolean },
): Shapes {
  const shapes: Shapes = new Map();
  for (const name of blockLinearNames(config.dit)) {
    const widths = linearShape(config.dit, name);
    const parts = ['u', 's', 'v'].map((part) => tensors.get(`${name}.${part}`));
    if (config.pruned && !learngenes && parts.every((part) => part === undefined)) continue;
    const rank = config.pruned ? prunedRank(name, parts[1], full) : full;
    shapes.set(`${name}.u`, [widths.out, rank]).set(`${name}.s`, [rank]).set(`${name}.v`, [widths.in, rank]);
    if (learngenes) shapes.set(`${name}.bias`, [widths.out]);
  }
  return shapes;
}

function prunedRank(name: string, s: Shaped | undefined, full: number): number {
  const rank = s?.shape.length === 1 ? s.shape[0] : 0;
  if (rank >= 1 && rank <= full) return rank;
  throw new Error(`${name}.s: expected 1 to ${full} components, got ${s ? `[${s.shape.join(', ')}]` : 'none'}`);
}

/** Throws on the first tensor that is missing, unknown, of another shape or not float32; the message names it. */
export function checkShapes(
  tensors: ReadonlyMap<string, Shaped>,
  shapes: ReadonlyMap<string, readonly number[]>,
): void {
  for (const [name, shape] of shapes) {
    const tensor = tensors.get(name);
    if (!tensor) throw new Error(`tensor ${name}: expected [${shape.join(', ')}], got none`);
    const { dtype } = tensor;
    if (dtype !== 'F32' && dtype !== 'float32') throw new Error(`tensor ${name}: expected float32, got ${dtype}`);
    if (tensor.shape.length !== shape.length || tensor.shape.some((size, axis) => size !== shape[axis])) {
      throw new Error(`tensor ${name}: expected [${shape.join(', ')}], got [${tensor.shape.slice(0, 8).join(', ')}]`);
    }
  }
  for (const name of tensors.keys()) {
    if (!shapes.has(name)) throw new Error(`tensor ${JSON.stringify(name.slice(0, 80))}: not a part of this model`);
  }
}
