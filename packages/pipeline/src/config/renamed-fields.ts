import { ConfigError } from '../errors';

type Json = Record<string, unknown>;

/** The current name of a field, and the current names of its values. */
interface Rename {
  readonly name: string;
  readonly values?: Readonly<Record<string, string>>;
}

/** Fields of a configuration by section and by the name that older versions gave them. */
const RENAMED: Readonly<Record<string, Readonly<Record<string, Rename>>>> = {
  model: { flavour: { name: 'variant' } },
  diffusion: { predict: { name: 'prediction', values: { start: 'x0' } } },
  training: { factorRate: { name: 'factorLearningRateScale' }, gradientClip: { name: 'clipNorm' } },
};

/**
 * A flow of an older version: it drew logit-normal times and predicted velocities whatever its configuration said, and read
 * no noise schedule.
 */
function flowAsItWas(diffusion: Json): Json {
  if (diffusion.process !== 'flow' || !Object.hasOwn(diffusion, 'predict')) return diffusion;
  return { process: 'flow', prediction: 'velocity', timestepSampler: 'logit-normal' };
}

/** A field with its current name and value. */
function renamed(value: unknown, { name, values = {} }: Rename): [string, unknown] {
  return [name, typeof value === 'string' && Object.hasOwn(values, value) ? values[value] : value];
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * A configuration with the current names of its fields. Config files, run records (format 1) and recipes of older
 * versions are read through this function.
 *
 * @param source - named in the error, e.g. the file
 * @throws ConfigError where a field is given under both names
 */
export function withCurrentNames<T>(value: T, source: string): T {
  if (!isObject(value)) return value;
  const sections = Object.entries(RENAMED).flatMap(([section, names]) => {
    const given = Object.hasOwn(value, section) ? value[section] : undefined;
    if (!isObject(given)) return [];
    const fields = section === 'diffusion' ? flowAsItWas(given) : given;
    const entries = Object.entries(fields).map(([name, field]) => {
      const [today, current] = Object.hasOwn(names, name) ? renamed(field, names[name]) : [name, field];
      if (today !== name && Object.hasOwn(fields, today)) {
        throw new ConfigError(`${source}: ${section}.${name} is the old name of ${section}.${today}; give one of them`);
      }
      return [today, current];
    });
    return [[section, Object.fromEntries(entries)]];
  });
  return { ...value, ...Object.fromEntries(sections) };
}
