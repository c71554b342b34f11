import { ConfigError } from '../errors';

/** What a `model_index.json` of a DiT says. */
export interface ModelIndex {
  /** Names of classes by class id; classes that it does not name have none. */
  readonly classNames: ReadonlyMap<number, string>;
  /** Whether it has an autoencoder. */
  readonly vae: boolean;
}

const PARTS: Readonly<Record<string, readonly string[]>> = {
  scheduler: ['DDIMScheduler'],
  transformer: ['DiTTransformer2DModel', 'Transformer2DModel'],
  vae: ['AutoencoderKL', 'AutoencoderTiny'],
};

const shown = (value: unknown) => JSON.stringify(value)?.slice(0, 80) ?? String(value);

/**
 * Reads the `model_index.json` of a `DiTPipeline` of diffusers. Fields that begin with `_` are notes of diffusers, but for
 * the class.
 *
 * @param file - the parsed JSON.
 * @throws ConfigError for another pipeline, a part of another class, and a field that is not known, naming it
 */
export function readModelIndex(file: unknown): ModelIndex {
  if (typeof file !== 'object' || file === null || Array.isArray(file)) {
    throw new ConfigError(`model_index.json: expected an object, got ${shown(file)}`);
  }
  const { _class_name: name, id2label = {}, ...parts } = file as Record<string, unknown>;
  if (name !== 'DiTPipeline') throw new ConfigError(`_class_name: expected DiTPipeline, got ${shown(name)}`);
  for (const [part, value] of Object.entries(parts)) {
    if (part.startsWith('_')) continue;
    if (!Object.hasOwn(PARTS, part)) throw new ConfigError(`${part}: expected no such part of a DiTPipeline`);
    const [library, type] = Array.isArray(value) ? value : [];
    if (library === 'diffusers' && PARTS[part].includes(type)) continue;
    if (part === 'vae' && library === null && type === null) continue;
    throw new ConfigError(`${part}: expected ["diffusers", "${PARTS[part].join('" or "')}"], got ${shown(value)}`);
  }
  for (const part of ['scheduler', 'transformer']) {
    if (!Object.hasOwn(parts, part)) throw new ConfigError(`${part}: expected it in a DiTPipeline, got none`);
  }
  return { classNames: namesOf(id2label), vae: Array.isArray(parts.vae) && parts.vae[0] !== null };
}

function namesOf(id2label: unknown): Map<number, string> {
  if (typeof id2label !== 'object' || id2label === null || Array.isArray(id2label)) {
    throw new ConfigError(`id2label: expected names by class, got ${shown(id2label)}`);
  }
  return new Map(
    Object.entries(id2label).map(([id, name]) => {
      if (/^\d{1,9}$/.test(id) && typeof name === 'string') return [Number(id), name];
      throw new ConfigError(`id2label: expected names by class, got ${shown(id)}: ${shown(name)}`);
    }),
  );
}

/**
 * The `model_index.json` of a `DiTPipeline`.
 *
 * @param vae - the class of the autoencoder.
 */
export function writeModelIndex(classNames: readonly string[], vae: string): Record<string, unknown> {
  return {
    _class_name: 'DiTPipeline',
    id2label: Object.fromEntries(classNames.entries()),
    scheduler: ['diffusers', 'DDIMScheduler'],
    transformer: ['diffusers', 'DiTTransformer2DModel'],
    vae: ['diffusers', vae],
  };
}
