import type { ParamTree } from '@learngene/nn';
import { type KindParams, tailorsOf } from './params';

/**
 * Which pieces a training changes. 'all': pre-training. 'tailors': transfer to novel classes, only tailors and label
 * rows of the groups in the batch. 'tailors-and-shared': transfer to a distant domain, whose dense parts start anew.
 * 'tailors-and-learngenes': everything but the dense parts. A soft gate is trained in every case.
 */
export type Trainable = 'all' | 'tailors' | 'tailors-and-shared' | 'tailors-and-learngenes';

/** A part of a KIND model that is trained or frozen as a whole, with its own optimiser state. */
export type Piece = {
  /** Key in the params; 'tailors' stands for one group's. */
  readonly key: 'shared' | 'learngenes' | 'gate' | 'tailors';
  /** Group of a piece of tailors. */
  readonly group?: string;
  /** Parameters, or any tree of their shape. */
  readonly tree: ParamTree;
};

const TRAINED: Readonly<Record<Trainable, readonly Piece['key'][]>> = {
  all: ['shared', 'learngenes', 'gate', 'tailors'],
  tailors: ['gate', 'tailors'],
  'tailors-and-shared': ['shared', 'gate', 'tailors'],
  'tailors-and-learngenes': ['learngenes', 'gate', 'tailors'],
};

/** The pieces that a training changes, of the tailors those of `groups`; throws on an unknown `trainable`. */
export function trainablePieces(params: KindParams, trainable: Trainable, groups: readonly string[]): Piece[] {
  const keys = Object.hasOwn(TRAINED, trainable) ? TRAINED[trainable] : undefined;
  if (!keys) {
    throw new Error(`trainable: expected one of ${Object.keys(TRAINED).join(', ')}, got ${JSON.stringify(trainable)}`);
  }
  return keys.flatMap((key): Piece[] => {
    if (key === 'tailors') return groups.map((group) => ({ key, group, tree: tailorsOf(params, group) }));
    const tree = params[key];
    return tree ? [{ key, tree }] : [];
  });
}

/** The tree at a piece's place in params of the same structure, such as the moving averages. */
export function treeOf(params: KindParams, { key, group }: Pick<Piece, 'key' | 'group'>): ParamTree {
  return (key === 'tailors' ? tailorsOf(params, group!) : params[key]) as ParamTree;
}

/** `params` with some pieces in place of its own; all other leaves are the same tensors. */
export function withPieces(params: KindParams, pieces: readonly Piece[]): KindParams {
  const parts: Record<string, ParamTree> = {};
  const tailors: Record<string, ParamTree> = {};
  for (const { key, group, tree } of pieces) {
    if (group === undefined) parts[key] = tree;
    else tailors[group] = tree;
  }
  return { ...params, ...parts, tailors: { ...params.tailors, ...tailors } } as KindParams;
}
