import type { DitConfig } from '@learngene/dit';
import { cloneParams, type LinearParams, listNames, type ParamTree } from '@learngene/nn';
import type { Generator } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';
import { validateKindConfig } from './config';
import { type AnyKindConfig, isDitConfig, networkOf, tailorRankOf, withClasses } from './config-types';
import { freshTailors } from './fresh-tailors';
import { givenShared, initShared, zeroGate } from './init';
import { checkFlag, checkOptionNames } from './option-names';
import { type AnyKindModel, type NetworkParams, subTree, tailorsOf } from './params';
import type { TailorGroup } from './tailor-groups';

/** Options of {@link transferKind}. */
export interface TransferOptions {
  /** The novel groups, their classes numbered 0 to n - 1 without gaps in the new label space. */
  readonly groups: readonly TailorGroup[];
  /** Draws the fresh tailors and whatever else starts anew. */
  readonly generator: Generator;
  /** N_t of the new tailors (default: the model's). */
  readonly tailorRank?: number;
  /**
   * How far the novel classes are from the old ones. 'near', the same domain: learngenes and shared parts are kept, and
   * only tailors need training (`trainable: 'tailors'`). 'distant': only learngenes are kept. The shared parts start
   * anew and must be trained too, since a new adaLN is zero (`trainable: 'tailors-and-shared'`).
   */
  readonly domain: 'near' | 'distant';
  /** Input fields of a DiT that differ in the new domain (default: those of the model; only with 'distant'). */
  readonly input?: Partial<Pick<DitConfig, 'inputSize' | 'patchSize' | 'inChannels' | 'learnSigma'>>;
  /** Initial dense parts for a distant domain, for a network that is not a DiT; cloned, never disposed. */
  readonly shared?: ParamTree;
  /**
   * Whether to keep the old groups beside the novel ones (default false; only with 'near'). Their classes get the ids
   * from n on.
   */
  readonly keepGroups?: boolean;
  /**
   * How class embeddings start: 'random' from N(0, 0.02²), or 'null' as copies of the embedding of the null label
   * (default 'random').
   */
  readonly labels?: 'random' | 'null';
}

/**
 * Makes a model for novel classes from the learngenes of a trained model and fresh tailors (KIND, arXiv 2408.07337).
 * Fresh tailors have zero output, so every novel class starts as the class-agnostic model. A soft gate starts at zero
 * for novel groups.
 *
 * @param model - never disposed. Tensors that are kept are cloned: they share the data, and no bytes are copied.
 * @returns a config whose classes are the novel (and kept) ones, and f32 parameters that the caller owns.
 * @throws on groups that are malformed or leave a gap, on a name used twice, on
 *   an unknown option or word, on keepGroups with 'distant' and on input with 'near'
 */
export function transferKind<M extends AnyKindModel>(model: M, options: TransferOptions): M {
  checkOptions(model.config, options);
  const { groups, generator, keepGroups = false, labels = 'random' } = options;
  const config = transferConfig(model.config, options);
  const { embedding } = networkOf(config);
  const params = tf.tidy((): NetworkParams => {
    const shared = transferShared(model, config, options);
    const start = labels === 'null' ? { labelRow: subTree<tf.Tensor2D>(shared, embedding!.null)! } : {};
    const kept = keepGroups ? model.config.groups : [];
    return {
      shared,
      learngenes: cloneParams<ParamTree>(model.params.learngenes),
      tailors: Object.fromEntries([
        ...groups.map((group) => [group.name, freshTailors(generator, config, group, start)]),
        ...kept.map(({ name }) => [name, cloneParams<ParamTree>(tailorsOf(model.params, name))]),
      ]),
      ...(keepGroups && model.params.gate ? extendGate(model.params.gate, groups.length) : zeroGate(config)),
    };
  });
  return { config, params } as M;
}

/** Dense parts of the new model: clones of the old ones, or new ones. */
function transferShared(model: AnyKindModel, config: AnyKindConfig, options: TransferOptions): ParamTree {
  if (options.domain === 'near') return cloneParams<ParamTree>(model.params.shared);
  return isDitConfig(config) ? initShared(options.generator, config) : givenShared(config, options.shared);
}

const OPTIONS = ['groups', 'generator', 'tailorRank', 'domain', 'input', 'shared', 'keepGroups', 'labels'];
const INPUT = ['inputSize', 'patchSize', 'inChannels', 'learnSigma'];

function checkOptions(old: AnyKindConfig, options: TransferOptions): void {
  checkOptionNames('transferKind', options, OPTIONS);
  const { groups, domain, keepGroups, input, shared, labels } = options;
  if (labels !== undefined && labels !== 'random' && labels !== 'null') {
    throw new Error(`labels: expected 'random' or 'null', got ${JSON.stringify(labels)}`);
  }
  if (labels === 'null' && !networkOf(old).embedding) {
    throw new Error("labels: expected 'random' for a network without class embeddings, got 'null'");
  }
  checkFlag('keepGroups', keepGroups);
  if (input !== undefined) checkOptionNames('input', input, INPUT);
  if (domain !== 'near' && domain !== 'distant') {
    throw new Error(`domain: expected near or distant, got ${JSON.stringify(domain)}`);
  }
  if (keepGroups && domain === 'distant') throw new Error("keepGroups: expected false with domain 'distant', got true");
  if (input && domain === 'near') throw new Error("input: expected none with domain 'near', whose shared parts stay");
  if (shared && domain === 'near') throw new Error("shared: expected none with domain 'near', whose shared parts stay");
  if (input && !isDitConfig(old)) throw new Error('input: expected none for a network that is no DiT, got one');
  if (shared && isDitConfig(old)) throw new Error('shared: expected none for a DiT, which starts its own, got some');
  if (!Array.isArray(groups) || groups.length === 0) throw new Error('groups: expected at least one, got none');
}

function transferConfig(old: AnyKindConfig, options: TransferOptions): AnyKindConfig {
  const { groups, tailorRank = old.tailorRank, keepGroups, input } = options;
  const classes = groups.flatMap((group: TailorGroup) => group.classes);
  const n = new Set(classes).size;
  const kept = keepGroups ? old.groups.map((group) => keptGroup(old, group, { first: n, tailorRank })) : [];
  const changed = isDitConfig(old) ? { ...old, dit: { ...old.dit, ...input } } : old;
  const count = n + (keepGroups ? networkOf(old).classes : 0);
  const config = { ...withClasses<AnyKindConfig>(changed, count), tailorRank, groups: [...groups, ...kept] };
  const missing = Array.from({ length: n }, (_, id) => id).filter((id) => !classes.includes(id));
  if (missing.length > 0) {
    const wanted = `classes 0 to ${n - 1}`;
    throw new Error(`groups: expected ${wanted}, got no ${listNames(missing.map(String))}`);
  }
  validateKindConfig(config);
  return config;
}

/** A group of the old model with its ids from `first` on, and the rank that it has. */
function keptGroup(
  old: AnyKindConfig,
  group: TailorGroup,
  { first, tailorRank }: { first: number; tailorRank: number },
): TailorGroup {
  const rank = tailorRankOf(old, group);
  const classes = group.classes.map((id) => first + id);
  return { ...group, classes, ...(rank !== tailorRank && { tailorRank: rank }) };
}

/** A gate with zero rows for `count` novel groups before the old ones. */
function extendGate({ weight, bias }: LinearParams, count: number): Pick<NetworkParams, 'gate'> {
  const rows = tf.concat([tf.zeros<tf.Rank.R2>([count, weight.shape[1]]), weight], 0);
  return { gate: { weight: rows, ...(bias && { bias: tf.concat([tf.zeros<tf.Rank.R1>([count]), bias]) }) } };
}
