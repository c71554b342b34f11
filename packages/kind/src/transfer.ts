import type { DitConfig } from '@learngene/dit';
import { cloneParams, type LinearParams, listNames } from '@learngene/nn';
import type { Generator } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';
import { type KindConfig, validateKindConfig } from './config';
import { freshTailors } from './fresh-tailors';
import { initShared, zeroGate } from './init';
import { checkFlag, checkOptionNames } from './option-names';
import { type KindModel, type KindParams, tailorsOf } from './params';
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
   * 'near', novel classes of the same domain: learngenes and shared parts come along, and only tailors need training
   * ('tailors'). 'distant': learngenes alone come along; shared parts start anew and must be trained too, since a new
   * adaLN is zero ('tailors-and-shared').
   */
  readonly domain: 'near' | 'distant';
  /** The input of a distant domain where it differs (default: the model's; only with 'distant'). */
  readonly input?: Partial<Pick<DitConfig, 'inputSize' | 'patchSize' | 'inChannels' | 'learnSigma'>>;
  /** Keep the old groups beside the novel ones, their classes renumbered from n on (default false; only with 'near'). */
  readonly keepGroups?: boolean;
  /** How label rows start: 'random' N(0, 0.02²) or 'null', at the null label's row (default 'random'). */
  readonly labels?: 'random' | 'null';
}

/**
 * A model for novel classes made of a trained one's learngenes and fresh tailors (KIND, arXiv 2408.07337). With
 * zero-output tailors every novel class starts as the class-agnostic model. A soft gate starts at zero for novel groups.
 *
 * @param model - never disposed. What comes along is cloned: tensors of their own over the same data, no bytes copied.
 * @returns a config whose `dit.classes` counts the novel (and kept) classes, and f32 parameters that the caller owns.
 *   Throws on groups that are malformed or leave a gap, on kept groups of another tailor rank or a name used twice, on an
 *   unknown option or word, on keepGroups with 'distant' and on input with 'near'.
 */
export function transferKind(model: KindModel, options: TransferOptions): KindModel {
  checkOptions(model.config, options);
  const { groups, generator, domain, keepGroups = false, labels = 'random' } = options;
  const config = transferConfig(model.config, options);
  const params = tf.tidy((): KindParams => {
    const shared = domain === 'near' ? cloneParams(model.params.shared) : initShared(generator, config);
    const start = labels === 'null' ? { labelRow: shared.label.null } : {};
    const kept = keepGroups ? model.config.groups : [];
    return {
      shared,
      learngenes: cloneParams(model.params.learngenes),
      tailors: Object.fromEntries([
        ...groups.map((group) => [group.name, freshTailors(generator, config, group, start)]),
        ...kept.map(({ name }) => [name, cloneParams(tailorsOf(model.params, name))]),
      ]),
      ...(keepGroups && model.params.gate ? extendGate(model.params.gate, groups.length) : zeroGate(config)),
    };
  });
  return { config, params };
}

const OPTIONS = ['groups', 'generator', 'tailorRank', 'domain', 'input', 'keepGroups', 'labels'];
const INPUT = ['inputSize', 'patchSize', 'inChannels', 'learnSigma'];

function checkOptions(old: KindConfig, options: TransferOptions): void {
  checkOptionNames('transferKind', options, OPTIONS);
  const { groups, domain, tailorRank = old.tailorRank, keepGroups, input, labels } = options;
  if (labels !== undefined && labels !== 'random' && labels !== 'null') {
    throw new Error(`labels: expected 'random' or 'null', got ${JSON.stringify(labels)}`);
  }
  checkFlag('keepGroups', keepGroups);
  if (input !== undefined) checkOptionNames('input', input, INPUT);
  if (domain !== 'near' && domain !== 'distant') {
    throw new Error(`domain: expected near or distant, got ${JSON.stringify(domain)}`);
  }
  if (keepGroups && domain === 'distant') throw new Error("keepGroups: expected false with domain 'distant', got true");
  if (input && domain === 'near') throw new Error("input: expected none with domain 'near', whose shared parts stay");
  if (keepGroups && tailorRank !== old.tailorRank) {
    throw new Error(`tailorRank: expected ${old.tailorRank} as the kept groups have, got ${tailorRank}`);
  }
  if (!Array.isArray(groups) || groups.length === 0) throw new Error('groups: expected at least one, got none');
}

function transferConfig(old: KindConfig, options: TransferOptions): KindConfig {
  const { groups, tailorRank = old.tailorRank, keepGroups, input } = options;
  const classes = groups.flatMap((group: TailorGroup) => group.classes);
  const n = classes.length;
  const kept = keepGroups ? old.groups.map((group) => ({ ...group, classes: group.classes.map((id) => n + id) })) : [];
  const config: KindConfig = {
    ...old,
    dit: { ...old.dit, ...input, classes: n + (keepGroups ? old.dit.classes : 0) },
    tailorRank,
    groups: [...groups, ...kept],
  };
  const missing = Array.from({ length: n }, (_, id) => id).filter((id) => !classes.includes(id));
  if (missing.length > 0) {
    const wanted = `classes 0 to ${n - 1}, each once`;
    throw new Error(`groups: expected ${wanted}, got no ${listNames(missing.map(String))}`);
  }
  validateKindConfig(config);
  return config;
}

/** A gate with zero rows for `count` novel groups before the old ones. */
function extendGate({ weight, bias }: LinearParams, count: number): Pick<KindParams, 'gate'> {
  const rows = tf.concat([tf.zeros<tf.Rank.R2>([count, weight.shape[1]]), weight], 0);
  return { gate: { weight: rows, ...(bias && { bias: tf.concat([tf.zeros<tf.Rank.R1>([count]), bias]) }) } };
}
