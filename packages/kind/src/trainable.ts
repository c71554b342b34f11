import type { ParamTree } from '@learngene/nn';
import { type NetworkParams, tailorsOf } from './params';

/**
 * Which parts of a model training changes. 'all': everything, for pre-training. 'tailors': only the tailors and label
 * rows of the groups in the batch, for transfer to novel classes. 'tailors-and-shared': these and the dense parts, for
 * transfer to a distant domain, where the dense parts start anew. 'tailors-and-learngenes': everything except the dense
 * parts. A soft gate is trained in every case. 'gate': only the soft gate and the class embeddings that it reads, for
 * classes that are mixtures of the tailors that are there.
 */
export type Trainable = 'all' | 'tailors' | 'tailors-and-shared' | 'tailors-and-learngenes' | 'gate';

/** A parameter group of a KIND model. It is trained or frozen as a whole and counts its own steps. */
export interface KindParameterGroup {
  /** Its path in params, averages and optimiser state, and its name in errors: 'shared', 'tailors.cat'. */
  readonly name: string;
  /** Which part of the params it is; 'tailors' are those of one group of classes, 'rows' only their tables of classes. */
  readonly part: 'shared' | 'learngenes' | 'gate' | 'tailors' | 'rows';
  /** Name of the group of classes whose tailors or rows these are. */
  readonly group?: string;
  /** Parameters, or any tree of their shape. */
  readonly params: ParamTree;
}

const TRAINED: Readonly<Record<Trainable, readonly KindParameterGroup['part'][]>> = {
  all: ['shared', 'learngenes', 'gate', 'tailors'],
  tailors: ['gate', 'tailors'],
  'tailors-and-shared': ['shared', 'gate', 'tailors'],
  'tailors-and-learngenes': ['learngenes', 'gate', 'tailors'],
  gate: ['gate', 'rows'],
};

/** The parameter groups that a training changes, of the tailors those of `groups`; throws on an unknown `trainable`. */
export function trainableGroups(
  params: NetworkParams,
  trainable: Trainable,
  groups: readonly string[],
): KindParameterGroup[] {
  const parts = Object.hasOwn(TRAINED, trainable) ? TRAINED[trainable] : undefined;
  if (!parts) {
    throw new Error(`trainable: expected one of ${Object.keys(TRAINED).join(', ')}, got ${JSON.stringify(trainable)}`);
  }
  if (trainable === 'gate' && params.gate === undefined) {
    throw new Error(
      "trainable: expected a model with a soft gate for 'gate', got a binary gate, which has no parameters",
    );
  }
  return parts.flatMap((part): KindParameterGroup[] => {
    if (part === 'tailors' || part === 'rows')
      return groups.map((group) => ({
        name: `tailors.${group}`,
        part,
        group,
        params: treeOf(params, { part, group }),
      }));
    const own = params[part];
    return own ? [{ name: part, part, params: own }] : [];
  });
}

/** The tree at a parameter group's place in params of the same structure, such as the moving averages. */
export function treeOf(params: NetworkParams, { part, group }: Pick<KindParameterGroup, 'part' | 'group'>): ParamTree {
  switch (part) {
    case 'tailors':
      return tailorsOf<ParamTree>(params, group!);
    case 'rows':
      return withoutLayers(tailorsOf<ParamTree>(params, group!), params);
    default:
      return params[part] as ParamTree;
  }
}

/**
 * The tables of classes of a group: what stands beside the factored layers, which the learngenes have too. In a tree of some
 * parameter groups alone there are no layers.
 */
function withoutLayers(tailors: ParamTree, { learngenes }: Partial<NetworkParams>): ParamTree {
  if (learngenes === undefined) return tailors;
  return Object.fromEntries(Object.entries(tailors).filter(([key]) => !Object.hasOwn(learngenes, key)));
}

/** The trees of some parameter groups, at their places in the parameters. */
export function partialParams(groups: readonly KindParameterGroup[]): NetworkParams {
  const { tailors, ...parts } = withGroups({ tailors: {} } as unknown as NetworkParams, groups);
  return { ...parts, tailors };
}

/** `params` with some parameter groups in place of its own; all other leaves are the same tensors. */
export function withGroups<P extends NetworkParams>(params: P, groups: readonly KindParameterGroup[]): P {
  const parts: Record<string, ParamTree> = {};
  const tailors: Record<string, ParamTree> = {};
  for (const { part, group, params: own } of groups) {
    if (group === undefined) parts[part] = own;
    else tailors[group] = part === 'rows' ? { ...params.tailors[group], ...own } : own;
  }
  return { ...params, ...parts, tailors: { ...params.tailors, ...tailors } } as P;
}
