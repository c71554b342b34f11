import { type Config, ConfigError, mergeConfig, parseConfig } from '@learngene/pipeline';
import { dataFromRecipe } from '../data/data-from-recipe';

/** Defaults of a transfer where neither a file nor options say otherwise. */
const DEFAULTS = { training: { steps: 500, warmup: 20, checkpointEvery: 250, sampleEvery: 125 } };

/** The options of {@link transferConfig}. */
export interface TransferConfigOptions {
  /** The base's folder, for messages. */
  from: string;
  /** Where the request stands, for messages. */
  source: string;
  /** Whether other data than the base's are read. */
  otherData: boolean;
}

/**
 * The configuration of a transfer: the base's, then the defaults of transfers, then what was asked for.
 *
 * @throws ConfigError for settings that the base determines
 */
export function transferConfig(
  base: Config,
  requested: Record<string, unknown>,
  { from, source, otherData }: TransferConfigOptions,
): Config {
  for (const part of ['model', 'diffusion']) {
    if (requested[part] !== undefined) throw new ConfigError(`${part}: a transfer takes it from ${from}; leave it out`);
  }
  const data = { ...dataFromRecipe(base.data, otherData), classes: undefined, novel: [] };
  // Not the base's validation: the novel classes may have too few images for it.
  const kept = { ...base, validation: undefined, data, training: { ...base.training, ...DEFAULTS.training } };
  const merged = mergeConfig(kept as unknown as Record<string, unknown>, mergeConfig(DEFAULTS, requested));
  return parseConfig(merged, source);
}
