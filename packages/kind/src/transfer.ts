import type { DitConfig } from '@learngene/dit';
import { cloneParams, type LinearParams, listNames, type ParamTree } from '@learngene/nn';
import type { Generator } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';
import { validateKindConfig } from './config';
import { type AnyKindConfig, isDitConfig, networkOf, tailorRankOf, withClasses } from './config-types';
import { classRows, freshTailors } from './fresh-tailors';
import { givenShared, initShared, zeroGate } from './init';
import { checkFlag, checkOptionNames } from './option-names';
import { type AnyKindModel, layerTree, type NetworkParams, subTree, tailorsOf } from './params';
import { classNamesIn, type TailorGroup, validateTailorGroups } from './tailor-groups';

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
   * What novel classes get. 'tailors' (default): fresh tailors. 'gate': no tailors of their own; they are in all old groups, and a
   * soft gate weighs the tailors of these for each class, as DivControl does where the shift is low. Then only the gate and the
   * class embeddings need training (`trainable: 'gate'`); the names in `groups` play no part. Only with 'near'.
   */
  readonly adapt?: 'tailors' | 'gate';
  /** What a sample without a label uses (default: as in the model). With another one the tailors fit no bundle of the base. */
  readonly nullGate?: 'learngenes' | 'own-class';
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
 * for novel groups. With `adapt: 'gate'` the gate is that of the model, or one that weighs all groups alike.
 *
 * @param model - never disposed. Tensors that are kept are cloned: they share the data, and no bytes are copied.
 * @returns a config whose classes are the novel (and kept) ones, and f32 parameters that the caller owns.
 * @throws on groups that are malformed or leave a gap, on a name used twice, on
 *   an unknown option or word, on keepGroups with 'distant' and on input with 'near'; with `adapt: 'gate'` on 'distant',
 *   keepGroups, a tailorRank, a model without groups, and tailors that are not loaded
 */
export function transferKind<M extends AnyKindModel>(model: M, options: TransferOptions): M {
  checkOptions(model.config, options);
  if (options.adapt === 'gate') return transferByGate(model, options);
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

/** The model whose novel classes are mixtures of the tailors that are there, weighed by a soft gate. */
function transferByGate<M extends AnyKindModel>(model: M, options: TransferOptions): M {
  const { generator, labels = 'random' } = options;
  const old: AnyKindConfig = model.config;
  const params: NetworkParams = model.params;
  const novel = novelClasses(options.groups);
  const classes = [...novel.keys()];
  const classNames = [...novel.values()];
  const groups = old.groups.map((group) => ({ ...group, classes, classNames }));
  const { nullGate = old.nullGate } = options;
  const config = withClasses<AnyKindConfig>({ ...old, gate: 'soft', nullGate, groups }, classes.length);
  validateKindConfig(config);
  const { embedding } = networkOf(config);
  const made = tf.tidy((): NetworkParams => {
    const start = labels === 'null' ? subTree<tf.Tensor2D>(params.shared, embedding!.null)! : undefined;
    const rows = classRows(generator, config, classes.length, start);
    const tailors = groups.map(({ name }) => {
      const factors = layerTree(networkOf(config).layers, (layer) =>
        subTree<ParamTree>(tailorsOf(params, name), layer.name),
      );
      return [name, cloneParams<ParamTree>({ ...factors, ...rows })] as const;
    });
    return {
      shared: cloneParams(params.shared),
      learngenes: cloneParams(params.learngenes),
      tailors: Object.fromEntries(tailors),
      ...(params.gate ? { gate: cloneParams(params.gate) } : zeroGate(config)),
    };
  });
  return { config, params: made } as M;
}

/** Dense parts of the new model: clones of the old ones, or new ones. */
function transferShared(model: AnyKindModel, config: AnyKindConfig, options: TransferOptions): ParamTree {
  if (options.domain === 'near') return cloneParams<ParamTree>(model.params.shared);
  return isDitConfig(config) ? initShared(options.generator, config) : givenShared(config, options.shared);
}

const OPTIONS = [
  ...['groups', 'generator', 'tailorRank', 'domain', 'input', 'shared', 'keepGroups', 'labels'],
  ...['adapt', 'nullGate'],
];
/** Ids of novel classes lie below it; the network says how many classes there may be. */
const MAX_NOVEL = 2 ** 16;
const INPUT = ['inputSize', 'patchSize', 'inChannels', 'learnSigma'];

function checkOptions(old: AnyKindConfig, options: TransferOptions): void {
  checkOptionNames('transferKind', options, OPTIONS);
  const { groups, domain, keepGroups, input, shared, labels, adapt = 'tailors' } = options;
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
  if (adapt !== 'tailors' && adapt !== 'gate') {
    throw new Error(`adapt: expected tailors or gate, got ${JSON.stringify(adapt)}`);
  }
  if (adapt === 'gate') checkByGate(old, options);
}

/** Throws on what has no part where a gate over the old tailors is all that novel classes get. */
function checkByGate(old: AnyKindConfig, { domain, keepGroups, tailorRank, groups }: TransferOptions): void {
  if (domain !== 'near') throw new Error(`domain: expected near with adapt 'gate', got ${domain}`);
  if (keepGroups)
    throw new Error("keepGroups: expected false with adapt 'gate', whose novel classes use the old groups");
  const ranked = tailorRank ?? groups.find((group) => group.tailorRank !== undefined)?.tailorRank;
  if (ranked !== undefined) throw new Error(`tailorRank: expected none with adapt 'gate', got ${ranked}`);
  if (old.groups.length === 0) throw new Error("model: expected groups of tailors to mix with adapt 'gate', got none");
  validateTailorGroups(groups, MAX_NOVEL);
}

/** The names of the novel classes by their ids, which are 0 to n - 1; throws on a gap. */
function novelClasses(groups: readonly TailorGroup[]): Map<number, string> {
  const names = new Map<number, string>();
  for (const group of groups) {
    const own = classNamesIn(group);
    for (const [row, id] of group.classes.entries()) names.set(id, names.get(id) ?? own[row]);
  }
  const missing = Array.from({ length: names.size }, (_, id) => id).filter((id) => !names.has(id));
  if (missing.length === 0) return new Map([...names].sort(([a], [b]) => a - b));
  const wanted = `classes 0 to ${names.size - 1}`;
  throw new Error(`groups: expected ${wanted}, got no ${listNames(missing.map(String))}`);
}

function transferConfig(old: AnyKindConfig, options: TransferOptions): AnyKindConfig {
  const { groups, tailorRank = old.tailorRank, keepGroups, input, nullGate = old.nullGate } = options;
  const n = novelClasses(groups).size;
  const kept = keepGroups ? old.groups.map((group) => keptGroup(old, group, { first: n, tailorRank })) : [];
  const changed = isDitConfig(old) ? { ...old, dit: { ...old.dit, ...input } } : old;
  const count = n + (keepGroups ? networkOf(old).classes : 0);
  const config = { ...withClasses<AnyKindConfig>(changed, count), tailorRank, nullGate, groups: [...groups, ...kept] };
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
