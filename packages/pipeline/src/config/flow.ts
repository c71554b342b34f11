import type { Config } from './schema';

type Json = Record<string, unknown>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A configuration in which a flow has its own defaults: it predicts velocities at logit-normal times. */
export function withFlowDefaults(value: unknown): unknown {
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

/** What of the diffusion process contradicts itself, in words; undefined where nothing does. */
export function contradiction({ diffusion }: Config): string | undefined {
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
