import { ConfigError } from '../errors';
import { contradiction, withDependentDefaults } from './dependent-fields';
import { describeIssues } from './describe-issues';
import { withCurrentNames } from './renamed-fields';
import { type Config, configSchema } from './schema';
import { isShippedAutoencoder } from './shipped-autoencoders';

/** A JSON object. */
export type Json = Record<string, unknown>;

const UNSAFE_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Merges two configurations. Values of `override` win; objects are merged field by field, everything else is replaced. The
 * name of a shipped autoencoder drops the path of another one, and a path such a name.
 */
export function mergeConfig(base: Json, override: Json): Json {
  const { autoencoder } = base;
  if (!isObject(autoencoder) || !isObject(override.autoencoder)) return mergeFields(base, override);
  return mergeFields({ ...base, autoencoder: withoutOtherPlace(autoencoder, override.autoencoder) }, override);
}

/** An autoencoder's section without the path, or without the name of a shipped one, where `override` names the other. */
function withoutOtherPlace(base: Json, override: Json): Json {
  const named = override.path === undefined && isShippedAutoencoder(override.name);
  const placed = override.path !== undefined && isShippedAutoencoder(base.name);
  return Object.fromEntries(
    Object.entries(base).filter(([key]) => !(named && key === 'path') && !(placed && key === 'name')),
  );
}

function mergeFields(base: Json, override: Json): Json {
  const merged: Json = { ...base };
  for (const [key, value] of Object.entries(override)) {
    if (UNSAFE_KEYS.has(key)) throw new ConfigError(`unknown key ${key}`);
    if (value === undefined) continue;
    const before = merged[key];
    merged[key] = isObject(value) ? mergeFields(isObject(before) ? before : {}, value) : value;
  }
  return merged;
}

/**
 * Checks a configuration and fills in the defaults; fields may have the names of older versions.
 *
 * @param source - named in the error, e.g. the file (default `config`)
 * @throws ConfigError that names every wrong key, with a right one that is near, or all
 */
export function parseConfig(value: unknown, source = 'config'): Config {
  const asked = withDependentDefaults(withCurrentNames(value, source));
  const schema = configSchema();
  const parsed = schema.safeParse(asked);
  if (!parsed.success) {
    throw new ConfigError(`${source}: ${describeIssues(parsed.error.issues, { schema, value: asked })}`);
  }
  const config = parsed.data;
  const wrong = contradiction(config);
  if (wrong !== undefined) throw new ConfigError(`${source}: ${wrong}`);
  if (config.diffusion.variance === 'learned-range' && !config.model.learnSigma) {
    throw new ConfigError(`${source}: diffusion.variance learned-range needs model.learnSigma true`);
  }
  if (config.diffusion.process === 'flow' && !['euler', 'heun'].includes(config.sampling.sampler)) {
    throw new ConfigError(
      `${source}: sampling.sampler: flow matching takes euler or heun, got ${config.sampling.sampler}`,
    );
  }
  if (config.diffusion.process === 'gaussian' && config.sampling.steps > config.diffusion.timesteps) {
    const { timesteps } = config.diffusion;
    throw new ConfigError(
      `${source}: sampling.steps: expected at most diffusion.timesteps, ${timesteps}, got ${config.sampling.steps}`,
    );
  }
  return config;
}

/**
 * Parses `training.steps=100` to `{ training: { steps: 100 } }`. The value is read as JSON, or as a string if it is not
 * JSON.
 */
export function parseAssignment(text: string): Json {
  const at = text.indexOf('=');
  if (at <= 0) {
    throw new ConfigError(`assignment: expected key=value, got ${text}`, { argument: 'assignment' });
  }
  const raw = text.slice(at + 1);
  let value: unknown = raw;
  try {
    value = JSON.parse(raw);
  } catch {
    // A bare word is a string.
  }
  const keys = text.slice(0, at).split('.');
  return keys.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Json;
}
