import { type DitConfig, MAX_PARAMETERS, mlpWidth, validateDitConfig } from '@learngene/dit';
import { groupPerClass } from '@learngene/nn';
import { countKindParams } from './count';
import { type TailorGroup, validateTailorGroups } from './tailor-groups';

/** Everything that decides a KIND model's shapes and numbers. Plain JSON. */
export interface KindConfig {
  /** The Diffusion Transformer whose six main weights a block are factored. Its null label is `dit.classes`. */
  readonly dit: DitConfig;
  /** N_G: rank-1 components of every main weight that all classes use. */
  readonly learngeneRank: number;
  /** N_t: rank-1 components of every main weight that one group owns. */
  readonly tailorRank: number;
  /** The groups of classes, one set of tailors each. A class is in at most one group. */
  readonly groups: readonly TailorGroup[];
  /** 'binary': a sample uses its own group's tailors. 'soft': all groups', weighted by softmax(G(label embedding)). */
  readonly gate: 'binary' | 'soft';
  /**
   * What a sample whose label was dropped uses: 'learngenes' no tailors (the class-agnostic model is the unconditional
   * branch), 'own-class' the tailors of the class it had, with the null embedding.
   */
  readonly nullGate: 'learngenes' | 'own-class';
  /** True after an assembly to a budget: a layer may hold fewer components than N_G and N_t. */
  readonly pruned: boolean;
}

/** What {@link kindConfig} takes: the fields without a default, and any of the others. */
export type KindConfigInput = Pick<KindConfig, 'dit' | 'learngeneRank' | 'tailorRank'> & Partial<KindConfig>;

const FIELDS = ['dit', 'learngeneRank', 'tailorRank', 'groups', 'gate', 'nullGate', 'pruned'];

/**
 * A complete, validated configuration. Defaults: one group a class, named 'class-<id>'; gate 'binary'; nullGate
 * 'learngenes'; pruned false. Throws on a field that is missing, unknown or out of range, naming it.
 */
export function kindConfig(input: KindConfigInput): KindConfig {
  // First of all: the default groups are as many as its classes.
  validateDit(input.dit);
  const config: KindConfig = {
    dit: input.dit,
    learngeneRank: input.learngeneRank,
    tailorRank: input.tailorRank,
    groups: input.groups ?? groupPerClass(input.dit.classes),
    gate: input.gate ?? 'binary',
    nullGate: input.nullGate ?? 'learngenes',
    pruned: input.pruned ?? false,
  };
  checkFields(input);
  validateKindConfig(config);
  return config;
}

/**
 * Throws on the first field that is missing, unknown or out of range; the message names it. Learngenes, shared parts and all
 * groups' tailors may hold `MAX_PARAMETERS` of `@learngene/dit` numbers in all.
 */
export function validateKindConfig(config: KindConfig): void {
  checkFields(config);
  validateDit(config.dit);
  for (const name of ['learngeneRank', 'tailorRank'] as const) {
    const value = config[name];
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new Error(`${name}: expected a positive integer, got ${String(value)}`);
    }
  }
  const width = Math.min(config.dit.hiddenSize, mlpWidth(config.dit));
  for (const name of ['learngeneRank', 'tailorRank'] as const) {
    if (config[name] > width) {
      throw new Error(
        `${name}: expected a rank of at most ${width}, the narrowest width of a layer, got ${config[name]}`,
      );
    }
  }
  oneOf('gate', config.gate, ['binary', 'soft']);
  oneOf('nullGate', config.nullGate, ['learngenes', 'own-class']);
  if (typeof config.pruned !== 'boolean') throw new Error(`pruned: expected a boolean, got ${String(config.pruned)}`);
  validateTailorGroups(config.groups, config.dit.classes);
  if (config.gate === 'soft' && config.groups.length === 0) throw new Error('groups: a soft gate needs at least one');
  const { total } = countKindParams(config);
  if (total > MAX_PARAMETERS) {
    const ranks = `learngeneRank ${config.learngeneRank}, tailorRank ${config.tailorRank}`;
    throw new Error(
      `config: expected at most ${MAX_PARAMETERS} parameters, got ${total} (${config.groups.length} groups, ${ranks})`,
    );
  }
}

function checkFields(config: object): void {
  for (const name of Object.keys(config)) {
    if (!FIELDS.includes(name)) throw new Error(`config: expected only ${FIELDS.join(', ')}, got '${name}'`);
  }
}

function validateDit(dit: DitConfig): void {
  if (typeof dit !== 'object' || dit === null) throw new Error(`dit: expected a DitConfig, got ${String(dit)}`);
  validateDitConfig(dit);
}

function oneOf(name: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value)) throw new Error(`${name}: expected ${allowed.join(' or ')}, got ${String(value)}`);
}
