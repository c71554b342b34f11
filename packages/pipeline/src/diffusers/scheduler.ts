import type { Config } from '../config/schema';
import { ConfigError } from '../errors';

/** The parts of a configuration that a scheduler of diffusers is made of. */
export type Scheduled = Pick<Config, 'diffusion' | 'sampling'>;

/** What of a configuration a `scheduler_config.json` tells; the rest has its defaults. */
export interface FromScheduler {
  /** The diffusion process. */
  readonly diffusion: Pick<Config['diffusion'], 'process' | 'schedule' | 'timesteps' | 'prediction'>;
  /** How images are sampled. */
  readonly sampling: Pick<Config['sampling'], 'sampler' | 'clip' | 'spacing'>;
}

/** Fields of `DDIMScheduler`, with what diffusers assumes for one that a file lacks. */
const DDIM = {
  num_train_timesteps: 1000,
  beta_start: 1e-4,
  beta_end: 0.02,
  beta_schedule: 'linear',
  trained_betas: null,
  clip_sample: true,
  set_alpha_to_one: true,
  steps_offset: 0,
  prediction_type: 'epsilon',
  thresholding: false,
  dynamic_thresholding_ratio: 0.995,
  clip_sample_range: 1,
  sample_max_value: 1,
  timestep_spacing: 'leading',
  rescale_betas_zero_snr: false,
};

type Fields = { readonly [K in keyof typeof DDIM]: unknown };

/** Fields that must have one value: others are another process or another sampler. */
const FIXED = ['trained_betas', 'set_alpha_to_one', 'steps_offset', 'thresholding', 'rescale_betas_zero_snr'] as const;

const SCHEDULES = { linear: 'linear', scaled_linear: 'scaled_linear', squaredcos_cap_v2: 'cosine' } as const;
const PREDICTIONS = { epsilon: 'epsilon', sample: 'x0', v_prediction: 'velocity' } as const;
const SPACINGS = { leading: 'leading', trailing: 'trailing' } as const;

const shown = (value: unknown) => JSON.stringify(value)?.slice(0, 80) ?? String(value);

/** The word of ours for a word of diffusers. */
function wordOf<T>(name: string, words: Readonly<Record<string, T>>, value: unknown): T {
  if (typeof value === 'string' && Object.hasOwn(words, value)) return words[value];
  throw new ConfigError(`${name}: expected ${Object.keys(words).join(' or ')}, got ${shown(value)}`);
}

/** The ends of betas that our schedule of that name has, which scales those of `linear` to the number of timesteps. */
function betaEnds(schedule: unknown, timesteps: number): [start: number, end: number] {
  const scale = schedule === 'linear' ? 1000 / timesteps : 1;
  return [1e-4 * scale, 0.02 * scale];
}

/** Relative rounding that a number written as decimal may have. */
const isNear = (a: unknown, b: number) => typeof a === 'number' && Math.abs(a - b) <= 1e-12 * b;

/**
 * Reads the `scheduler_config.json` of a pipeline of diffusers. Fields that begin with `_` are notes of diffusers, but for
 * the class.
 *
 * @param file - the parsed JSON.
 * @throws ConfigError for another class than `DDIMScheduler`, a field that is not known, and a value that has no counterpart
 *   here, naming the field
 */
export function schedulerFromDiffusers(file: unknown): FromScheduler {
  if (typeof file !== 'object' || file === null || Array.isArray(file)) {
    throw new ConfigError(`scheduler: expected an object, got ${shown(file)}`);
  }
  const { _class_name: name, ...given } = file as Record<string, unknown>;
  if (name !== 'DDIMScheduler') throw new ConfigError(`_class_name: expected DDIMScheduler, got ${shown(name)}`);
  const odd = Object.keys(given).find((key) => !key.startsWith('_') && !Object.hasOwn(DDIM, key));
  if (odd !== undefined) {
    throw new ConfigError(`${odd.slice(0, 80)}: expected no such field of a DDIMScheduler, got ${shown(given[odd])}`);
  }
  const fields = { ...DDIM, ...given } as Fields;
  for (const field of FIXED) {
    if (fields[field] === DDIM[field]) continue;
    throw new ConfigError(`${field}: expected ${shown(DDIM[field])}, got ${shown(fields[field])}`);
  }
  const timesteps = fields.num_train_timesteps;
  if (typeof timesteps !== 'number' || !Number.isInteger(timesteps) || timesteps < 2) {
    throw new ConfigError(`num_train_timesteps: expected a whole number of at least 2, got ${shown(timesteps)}`);
  }
  const schedule = wordOf('beta_schedule', SCHEDULES, fields.beta_schedule);
  if (schedule !== 'cosine') checkEnds(fields, timesteps);
  return {
    diffusion: {
      process: 'gaussian',
      schedule,
      timesteps,
      prediction: wordOf('prediction_type', PREDICTIONS, fields.prediction_type),
    },
    sampling: {
      sampler: 'ddim',
      clip: clipOf(fields),
      spacing: wordOf('timestep_spacing', SPACINGS, fields.timestep_spacing),
    },
  };
}

function checkEnds(fields: Fields, timesteps: number): void {
  const [start, end] = betaEnds(fields.beta_schedule, timesteps);
  for (const [name, expected] of [['beta_start', start] as const, ['beta_end', end] as const]) {
    if (isNear(fields[name], expected)) continue;
    throw new ConfigError(
      `${name}: expected ${expected} for ${shown(fields.beta_schedule)} of ${timesteps} timesteps, got ${shown(fields[name])}`,
    );
  }
}

function clipOf({ clip_sample: clip, clip_sample_range: range }: Fields): number | boolean {
  if (clip === false) return false;
  if (clip !== true) throw new ConfigError(`clip_sample: expected true or false, got ${shown(clip)}`);
  if (typeof range === 'number' && range > 0) return range === 1 ? true : range;
  throw new ConfigError(`clip_sample_range: expected a number above 0, got ${shown(range)}`);
}

const keyOf = (words: Readonly<Record<string, string>>, value: string) =>
  Object.keys(words).find((key) => words[key] === value);

/**
 * The `scheduler_config.json` that makes diffusers step as DDIM does here.
 *
 * @throws ConfigError for what `DDIMScheduler` does not have: flow matching, and the sigmoid schedule
 */
export function schedulerToDiffusers({ diffusion, sampling }: Scheduled): Record<string, unknown> {
  const { process, schedule, timesteps, prediction } = diffusion;
  if (process !== 'gaussian') {
    throw new ConfigError(`diffusion.process: expected gaussian for a pipeline of diffusers, got ${process}`);
  }
  const name = keyOf(SCHEDULES, schedule);
  if (name === undefined) {
    throw new ConfigError(`diffusion.schedule: expected linear, scaled_linear or cosine in diffusers, got ${schedule}`);
  }
  const [start, end] = betaEnds(name, timesteps);
  const { clip, spacing = 'trailing' } = sampling;
  return {
    _class_name: 'DDIMScheduler',
    ...DDIM,
    num_train_timesteps: timesteps,
    beta_start: start,
    beta_end: end,
    beta_schedule: name,
    clip_sample: clip !== false,
    clip_sample_range: typeof clip === 'number' ? clip : 1,
    prediction_type: keyOf(PREDICTIONS, prediction),
    timestep_spacing: spacing,
  };
}
