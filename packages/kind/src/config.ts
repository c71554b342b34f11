import { MAX_PARAMETERS, validateDitConfig } from '@learngene/dit';
import { groupPerClass } from '@learngene/nn';
import {
  type AnyKindConfig,
  type KindConfig,
  type KindSettings,
  type NetworkKindConfig,
  networkOf,
  SETTINGS_FIELDS,
} from './config-types';
import { countKindParams } from './count';
import { validateNetwork } from './network';
import { validateTailorGroups } from './tailor-groups';

/** What a configuration is made from: the ranks, and the settings that differ from their defaults. */
export type KindSettingsInput = Pick<KindSettings, 'learngeneRank' | 'tailorRank'> & Partial<KindSettings>;
/** What {@link kindConfig} takes: the fields without a default, and any of the others. */
export type KindConfigInput = KindSettingsInput & Pick<KindConfig, 'dit'>;
/** What {@link kindConfig} takes for another network than a Diffusion Transformer. */
export type NetworkKindConfigInput = KindSettingsInput & Pick<NetworkKindConfig, 'network'>;

/**
 * A complete, validated configuration, of a Diffusion Transformer (`dit`) or of another network (`network`). Defaults:
 * one group a class, named 'class-<id>'; gate 'binary'; nullGate 'learngenes'; pruned false.
 *
 * @throws on a field that is missing, unknown or out of range, naming it
 */
export function kindConfig(input: KindConfigInput): KindConfig;
export function kindConfig(input: NetworkKindConfigInput): NetworkKindConfig;
export function kindConfig(input: KindConfigInput | NetworkKindConfigInput): AnyKindConfig {
  // First of all: the default groups are as many as its classes.
  checkNetwork(input);
  const settings: KindSettings = {
    learngeneRank: input.learngeneRank,
    tailorRank: input.tailorRank,
    groups: input.groups ?? groupPerClass(networkOf(input).classes),
    gate: input.gate ?? 'binary',
    nullGate: input.nullGate ?? 'learngenes',
    pruned: input.pruned ?? false,
  };
  checkFields(input);
  // A null would take the default without a word.
  for (const name of ['groups', 'gate', 'nullGate', 'pruned'] as const) {
    if (input[name] === null) throw new Error(`${name}: expected a value or nothing, got null`);
  }
  const config = 'network' in input ? { network: input.network, ...settings } : { dit: input.dit, ...settings };
  validateKindConfig(config);
  return config;
}

/**
 * Throws on the first field that is missing, unknown or out of range; the message names it. Together, learngenes,
 * shared parts and all tailors may have at most `MAX_PARAMETERS` (of `@learngene/dit`) parameters.
 */
export function validateKindConfig(config: AnyKindConfig): void {
  checkFields(config);
  checkNetwork(config);
  for (const name of ['learngeneRank', 'tailorRank'] as const) {
    const value = config[name];
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new Error(`${name}: expected a positive integer, got ${String(value)}`);
    }
  }
  const { layers, classes, embedding } = networkOf(config);
  const width = layers.reduce((least, layer) => Math.min(least, layer.in, layer.out), Number.POSITIVE_INFINITY);
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
  validateTailorGroups(config.groups, classes);
  for (const [i, { tailorRank }] of config.groups.entries()) {
    if (tailorRank === undefined || tailorRank <= width) continue;
    const wanted = `a rank of at most ${width}, the narrowest width of a layer`;
    throw new Error(`groups[${i}].tailorRank: expected ${wanted}, got ${tailorRank}`);
  }
  if (config.gate === 'soft' && config.groups.length === 0) throw new Error('groups: a soft gate needs at least one');
  if (config.gate === 'soft' && !embedding) {
    throw new Error("gate: expected binary for a network without `embedding`, got 'soft'");
  }
  const { total } = countKindParams(config);
  if (total > MAX_PARAMETERS) {
    const ranks = `learngeneRank ${config.learngeneRank}, tailorRank ${config.tailorRank}`;
    throw new Error(
      `config: expected at most ${MAX_PARAMETERS} parameters, got ${total} (${config.groups.length} groups, ${ranks})`,
    );
  }
}

function checkFields(config: object): void {
  const known = ['network' in config ? 'network' : 'dit', ...SETTINGS_FIELDS];
  for (const name of Object.keys(config)) {
    if (!known.includes(name)) throw new Error(`config: expected only ${known.join(', ')}, got '${name}'`);
  }
}

function checkNetwork(config: Pick<KindConfig, 'dit'> | Pick<NetworkKindConfig, 'network'>): void {
  if ('network' in config) {
    validateNetwork(config.network);
    return;
  }
  const { dit } = config;
  if (typeof dit !== 'object' || dit === null) throw new Error(`dit: expected a DitConfig, got ${String(dit)}`);
  validateDitConfig(dit);
}

function oneOf(name: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value)) throw new Error(`${name}: expected ${allowed.join(' or ')}, got ${String(value)}`);
}
