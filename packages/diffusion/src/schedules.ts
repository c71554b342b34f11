import { checkCount, checkInterval, checkNames, checkWord } from './check';
import { linspace } from './numeric';

/**
 * Names of the beta schedules.
 *
 * `linear`: evenly spaced betas (Ho et al. 2020). `cosine` = `squaredcos_cap_v2`: Nichol & Dhariwal 2021, eq. 17, betas
 * at most 0.999. `quad` = `scaled_linear`: evenly spaced square roots of beta. `warmup10`, `warmup50`: linear for the
 * first 10% or 50% of the steps, then constant. `const`: constant `betaEnd`. `jsd`: 1/T, 1/(T-1) .. 1. `sigmoid`:
 * logistic between the two ends over [-6, 6] (GeoDiff).
 */
export type ScheduleName =
  | 'linear'
  | 'cosine'
  | 'squaredcos_cap_v2'
  | 'quad'
  | 'scaled_linear'
  | 'warmup10'
  | 'warmup50'
  | 'const'
  | 'jsd'
  | 'sigmoid';

/** A named schedule with chosen ends. */
export interface NamedSchedule {
  /** Which formula. */
  readonly kind: ScheduleName;
  /** Smallest beta (default 1e-4); not for `cosine`, `jsd` and `const`. */
  readonly betaStart?: number;
  /** Largest beta (default 0.02); not for `cosine` and `jsd`. */
  readonly betaEnd?: number;
}

/** A schedule given by its values. */
export interface ExplicitSchedule {
  /** Marks the explicit form. */
  readonly kind: 'betas';
  /** One beta in (0, 1] a timestep. */
  readonly betas: ArrayLike<number>;
}

/**
 * A beta schedule. The bare name `linear` scales its ends by 1000/T as guided-diffusion does; the object form takes
 * the ends as they are, as diffusers does.
 */
export type BetaSchedule = ScheduleName | NamedSchedule | ExplicitSchedule;

/**
 * The variances of the forward process, in float64.
 * @param schedule - which schedule
 * @param timesteps - T, at least 1
 * @returns betas `[T]` in (0, 1]
 * @throws if an explicit schedule has another length than `timesteps` or a value is outside (0, 1]
 */
export function betaSchedule(schedule: BetaSchedule, timesteps: number): Float64Array {
  checkCount('timesteps', timesteps, 1, 2 ** 24); // float32, which the network is given, counts no further
  const betas = scheduleValues(schedule, timesteps);
  if (betas.length !== timesteps) throw new Error(`betas: expected ${timesteps} values, got ${betas.length}`);
  betas.forEach((beta, i) => {
    if (!(beta > 0 && beta <= 1)) throw new Error(`betas[${i}]: expected a value in (0, 1], got ${beta}`);
  });
  return betas;
}

const SCHEDULES: readonly ScheduleName[] = [
  'linear',
  'cosine',
  'squaredcos_cap_v2',
  'quad',
  'scaled_linear',
  'warmup10',
  'warmup50',
  'const',
  'jsd',
  'sigmoid',
];

/** Ends that a formula does not use. */
const IGNORED: { readonly [Kind in ScheduleName]?: readonly string[] } = {
  cosine: ['betaStart', 'betaEnd'],
  squaredcos_cap_v2: ['betaStart', 'betaEnd'],
  jsd: ['betaStart', 'betaEnd'],
  const: ['betaStart'],
};

function scheduleValues(schedule: BetaSchedule, timesteps: number): Float64Array {
  if (schedule === 'linear') {
    return linspace((1000 / timesteps) * 1e-4, Math.min(1, (1000 / timesteps) * 0.02), timesteps);
  }
  if (typeof schedule === 'string') return namedSchedule({ kind: schedule }, timesteps);
  checkNames('schedule', schedule, schedule?.kind === 'betas' ? ['kind', 'betas'] : ['kind', 'betaStart', 'betaEnd']);
  if (schedule.kind === 'betas') return Float64Array.from(schedule.betas);
  return namedSchedule(schedule, timesteps);
}

function namedSchedule(schedule: NamedSchedule, timesteps: number): Float64Array {
  const { kind, betaStart = 1e-4, betaEnd = 0.02 } = schedule;
  checkWord('schedule', kind, SCHEDULES);
  checkInterval('betaStart', betaStart, '(0, 1]');
  checkInterval('betaEnd', betaEnd, '(0, 1]');
  for (const end of ['betaStart', 'betaEnd'] as const) {
    if (schedule[end] !== undefined && IGNORED[kind]?.includes(end)) {
      throw new Error(`${end}: expected none for schedule '${kind}', got ${schedule[end]}`);
    }
  }
  if (kind !== 'const' && betaStart > betaEnd) {
    throw new Error(`betaStart: expected at most betaEnd = ${betaEnd}, got ${betaStart}`);
  }
  switch (kind) {
    case 'linear':
      return linspace(betaStart, betaEnd, timesteps);
    case 'cosine':
    case 'squaredcos_cap_v2':
      return cosineBetas(timesteps);
    case 'quad':
    case 'scaled_linear':
      return linspace(Math.sqrt(betaStart), Math.sqrt(betaEnd), timesteps).map((root) => root * root);
    case 'warmup10':
      return warmupBetas(betaStart, betaEnd, timesteps, 0.1);
    case 'warmup50':
      return warmupBetas(betaStart, betaEnd, timesteps, 0.5);
    case 'const':
      return new Float64Array(timesteps).fill(betaEnd);
    case 'jsd':
      return Float64Array.from({ length: timesteps }, (_, i) => 1 / (timesteps - i));
    case 'sigmoid':
      return linspace(-6, 6, timesteps).map((x) => betaStart + (betaEnd - betaStart) / (1 + Math.exp(-x)));
    default:
      throw new Error(`schedule: expected a name, got ${String(kind satisfies never)}`);
  }
}

function cosineBetas(timesteps: number): Float64Array {
  const level = (u: number) => Math.cos(((u + 0.008) / 1.008) * (Math.PI / 2)) ** 2;
  return Float64Array.from({ length: timesteps }, (_, i) =>
    Math.min(1 - level((i + 1) / timesteps) / level(i / timesteps), 0.999),
  );
}

function warmupBetas(start: number, end: number, timesteps: number, fraction: number): Float64Array {
  const betas = new Float64Array(timesteps).fill(end);
  betas.set(linspace(start, end, Math.floor(timesteps * fraction)));
  return betas;
}

/**
 * Rescales betas so that the last step has no signal left: sqrt(alphaBar) is shifted and scaled to end at 0 and to keep
 * its first value (Lin et al. 2024, "Common Diffusion Noise Schedules and Sample Steps are Flawed", algorithm 1).
 * @param betas - `[T]` in (0, 1), T at least 2
 * @returns new betas `[T]`; the last is 1
 */
export function rescaleZeroTerminalSnr(betas: Float64Array): Float64Array {
  let product = 1;
  const roots = betas.map((beta) => Math.sqrt((product *= 1 - beta)));
  const first = roots[0];
  const last = roots[roots.length - 1];
  if (!(first > last)) throw new Error(`betas: expected a falling signal over at least 2 steps, got ${betas.length}`);
  const bars = roots.map((root) => ((root - last) * (first / (first - last))) ** 2);
  return bars.map((bar, i) => 1 - (i === 0 ? bar : bar / bars[i - 1]));
}
