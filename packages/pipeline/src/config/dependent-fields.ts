import type { Config } from './schema';

type Json = Record<string, unknown>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A configuration with the defaults that depend on other fields: those of a flow, and no clipping of latents. */
export function withDependentDefaults(value: unknown): unknown {
  return withLatentDefaults(withFlowDefaults(value));
}

/** Predicted latents are not clipped: their range is not that of pixels. */
function withLatentDefaults(value: unknown): unknown {
  if (!isObject(value)) return value;
  const { sampling = {}, autoencoder, data } = value;
  const inLatents = autoencoder !== undefined || (isObject(data) && data.latents !== undefined);
  if (!inLatents || !isObject(sampling)) return value;
  return { ...value, sampling: { clip: false, ...sampling } };
}

/** A flow predicts velocities at logit-normal times, and is sampled by Euler's steps. */
function withFlowDefaults(value: unknown): unknown {
  return withFlowSampler(withFlowObjective(value));
}

function withFlowSampler(value: unknown): unknown {
  if (!isObject(value) || !isObject(value.diffusion) || value.diffusion.process !== 'flow') return value;
  const { sampling = {} } = value;
  return isObject(sampling) ? { ...value, sampling: { sampler: 'euler', ...sampling } } : value;
}

function withFlowObjective(value: unknown): unknown {
  if (!isObject(value) || !isObject(value.diffusion)) return value;
  const { diffusion } = value;
  const own = diffusion.process === 'flow' ? { prediction: 'velocity', timestepSampler: 'logit-normal' } : {};
  const filled: Json = { ...own, ...diffusion };
  if (filled.timestepSampler !== 'logit-normal') return { ...value, diffusion: filled };
  return {
    ...value,
    diffusion: { ...filled, timestepMean: filled.timestepMean ?? 0, timestepStd: filled.timestepStd ?? 1 },
  };
}

/** What of a configuration has no part in a flow, with the value that stands for "left out". */
const NOT_OF_A_FLOW = {
  schedule: ['cosine', 'a flow has straight paths and no noise schedule'],
  timesteps: [1000, 'the times of a flow are not numbered'],
  variance: ['fixed-small', 'a flow has no reverse variance'],
} as const satisfies { [name in keyof Config['diffusion']]?: readonly [unknown, string] };

/** What of a configuration contradicts itself, in words; undefined where nothing does. */
export function contradiction(config: Config): string | undefined {
  return contradictionOfFlow(config) ?? contradictionOfLatents(config) ?? contradictionOfSchedule(config);
}

function contradictionOfSchedule({ training }: Config): string | undefined {
  if (training.decay === 'cosine' || training.decaySteps === undefined) return undefined;
  return 'training.decaySteps: has a part only with training.decay cosine; leave it out';
}

function contradictionOfLatents({ autoencoder, data, sampling }: Config): string | undefined {
  if (sampling.clip === true && (autoencoder !== undefined || data.latents !== undefined)) {
    return 'sampling.clip: latents do not lie in [-1, 1]; expected false, or the half-width of their range';
  }
  if (autoencoder === undefined) return undefined;
  const { path, name, hash } = autoencoder;
  if (path === undefined && name === undefined && hash === undefined && data.latents === undefined) {
    return 'autoencoder: expected its path or its name, got neither';
  }
  return undefined;
}

function contradictionOfFlow({ diffusion }: Config): string | undefined {
  const { process, prediction, timestepSampler, timestepMean, timestepStd } = diffusion;
  const flow = process === 'flow';
  if (flow && prediction !== 'velocity') return `diffusion.prediction: a flow predicts velocity, got ${prediction}`;
  if (flow && timestepSampler === 'loss-second-moment') {
    return 'diffusion.timestepSampler: a flow takes uniform or logit-normal, got loss-second-moment';
  }
  if (!flow && timestepSampler === 'logit-normal') {
    return 'diffusion.timestepSampler: logit-normal is for diffusion.process flow; gaussian takes uniform or loss-second-moment';
  }
  if (timestepSampler !== 'logit-normal') {
    const name = timestepMean !== undefined ? 'timestepMean' : timestepStd !== undefined ? 'timestepStd' : undefined;
    if (name !== undefined) return `diffusion.${name}: has a part only with timestepSampler logit-normal; leave it out`;
  }
  if (!flow) return undefined;
  for (const [name, [usual, why]] of Object.entries(NOT_OF_A_FLOW)) {
    const came = diffusion[name as keyof typeof NOT_OF_A_FLOW];
    if (came !== usual) return `diffusion.${name}: ${why}, got ${came}; leave it out`;
  }
  return undefined;
}
