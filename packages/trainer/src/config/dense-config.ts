import { type Config, ConfigError } from '@learngene/pipeline';

/** Settings of learngenes and tailors, which a dense model does not have. */
const KIND_SETTINGS = {
  model: ['learngeneRank', 'tailorRank', 'groups', 'init', 'gate', 'nullGate'],
  training: ['factorLearningRateScale', 'orthogonality'],
} as const satisfies { [section in keyof Config]?: readonly (keyof Config[section])[] };

/** Whether a setting matters only for training learngenes and tailors. */
export function isKindSetting(section: string, name: string): boolean {
  const names: Readonly<Record<string, readonly string[]>> = KIND_SETTINGS;
  return Object.hasOwn(names, section) && names[section].includes(name);
}

/**
 * Throws on settings that do nothing in the training of a dense model.
 *
 * @param asked - the settings that the user gave, without defaults.
 * @throws ConfigError that names the setting
 */
export function checkDenseSettings(asked: Readonly<Record<string, unknown>>): void {
  for (const [section, names] of Object.entries(KIND_SETTINGS)) {
    const fields = (asked[section] ?? {}) as Readonly<Record<string, unknown>>;
    const given = names.find((name) => fields[name] !== undefined);
    if (given === undefined) continue;
    throw new ConfigError(`${section}.${given}: a dense model has no learngenes and tailors; leave it out`);
  }
}
