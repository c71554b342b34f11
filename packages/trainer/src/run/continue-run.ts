import { normalName } from '@learngene/datasets';
import { ConfigError, counted, mergeConfig, type Progress } from '@learngene/pipeline';
import type { RunChange } from '@learngene/pipeline/node';
import type { TrainingSchedule } from '../train/schedule';

/** What a run is told when it is continued. */
export interface ContinueOptions {
  /**
   * A part of a configuration, as the command that started the run gave it. `training.steps` is how many steps the run shall
   * have now; every other value has to be the run's own.
   */
  requested?: Record<string, unknown>;
  /**
   * Keeps the learning rate of the last step that was done for all that follow (default false: the schedule is that of a run
   * of so many steps).
   */
  hold?: boolean;
}

/** The fields of a configuration that {@link continuedConfig} reads. */
interface RunConfig {
  readonly training: {
    readonly steps: number;
    readonly decay: 'constant' | 'cosine';
    readonly decaySteps?: number;
    readonly holdFrom?: number;
  };
}

/** Where a run stands, and how its configuration is read. */
export interface ContinuedRun<C> {
  /** The run folder, for messages. */
  run: string;
  /** Steps that were done. */
  done: number;
  /** Checks a configuration and fills in the defaults. */
  parse(value: unknown): C;
  /** The steps and rates of a configuration. */
  schedule(config: C): TrainingSchedule;
  /** Is told the learning rate before and after. */
  progress: Progress;
}

/** Keys whose value is one thing: an array, or a table of classes. */
const WHOLE = new Set(['data.classNames', 'data.superclasses']);

/** Every value of a configuration by its full key. */
function flatten(value: object, path = ''): Map<string, unknown> {
  const all = new Map<string, unknown>();
  for (const [key, inner] of Object.entries(value)) {
    const full = path === '' ? key : `${path}.${key}`;
    const nested = typeof inner === 'object' && inner !== null && !Array.isArray(inner) && !WHOLE.has(full);
    if (inner === undefined) continue;
    for (const [name, leaf] of nested ? flatten(inner, full) : [[full, inner] as const]) all.set(name, leaf);
  }
  return all;
}

/** A value as it is compared: classes in any order. */
function comparable(key: string, value: unknown): string | undefined {
  const classes = key === 'data.classes' || key === 'data.novel';
  return JSON.stringify(classes && Array.isArray(value) ? value.map((name) => normalName(String(name))).sort() : value);
}

/** The keys in which two configurations differ, with both values; null stands for none. */
export function changedKeys(before: object, after: object): Record<string, readonly [unknown, unknown]> {
  const [old, fresh] = [flatten(before), flatten(after)];
  const keys = [...new Set([...old.keys(), ...fresh.keys()])];
  const changed = keys.filter((key) => comparable(key, old.get(key)) !== comparable(key, fresh.get(key)));
  return Object.fromEntries(changed.map((key) => [key, [old.get(key) ?? null, fresh.get(key) ?? null] as const]));
}

/**
 * The configuration with which a run goes on.
 *
 * @throws ConfigError naming every key in which what is requested differs from the run, and steps that were done already
 */
export function continuedConfig<C extends RunConfig>(
  config: C,
  { requested = {}, hold = false }: ContinueOptions,
  { run, done, parse, schedule, progress }: ContinuedRun<C>,
): C {
  const asked = parse(mergeConfig(config as unknown as Record<string, unknown>, requested));
  const others = Object.entries(changedKeys(config, asked)).filter(([key]) => key !== 'training.steps');
  if (others.length > 0) {
    const list = others.map(([key, [own, came]]) => `${key}: the run has ${text(own)}, got ${text(came)}`);
    const kept = 'a run that is continued keeps its configuration, all but training.steps and where its data lie';
    const rest = done > 0 ? kept : `${kept}; this one has no checkpoint yet, so it may begin again as a new run`;
    throw new ConfigError(`${list.join('; ')}; ${rest}`, { argument: others[0][0] });
  }
  const { steps } = asked.training;
  if (steps === config.training.steps) {
    if (!hold || config.training.holdFrom !== undefined) return config;
    throw new ConfigError('hold: has a part only with more steps than the run has', { argument: 'hold' });
  }
  if (steps <= done) {
    const message = `training.steps: expected more than the ${done} steps that were done, got ${steps}; leave it out to keep those of the run`;
    throw new ConfigError(message, { argument: 'training.steps' });
  }
  if (hold && done === 0) {
    throw new ConfigError('hold: no step was done whose learning rate could be kept', { argument: 'hold' });
  }
  const longer = withSteps(config, { steps, hold, done });
  const [before, after] = [schedule(config).learningRate(Math.max(0, done - 1)), schedule(longer).learningRate(done)];
  progress.info(
    `${run}: ${counted(config.training.steps, 'step')} ${config.training.steps === 1 ? 'becomes' : 'become'} ${steps}; learning rate ${rate(before)} before, ${rate(after)} from step ${done + 1} on`,
  );
  return longer;
}

const text = (value: unknown) => (value === null ? 'none' : JSON.stringify(value));

const rate = (value: number) => Number(value.toPrecision(4)).toString();

function withSteps<C extends RunConfig>(
  config: C,
  { steps, hold, done }: { steps: number; hold: boolean; done: number },
): C {
  const { decaySteps, holdFrom, ...training } = config.training;
  if (!hold) {
    // What an earlier hold set goes with it; a cosine's own length stays.
    const own = holdFrom === undefined && decaySteps !== undefined && { decaySteps };
    return { ...config, training: { ...training, steps, ...own } };
  }
  const cosine = training.decay === 'cosine' && { decaySteps: decaySteps ?? training.steps };
  return { ...config, training: { ...training, steps, ...cosine, holdFrom: Math.min(holdFrom ?? done, done) } };
}

/** What of a run's start may be said again when it is continued, beside its configuration. */
export type StartFacts = Readonly<Record<string, { readonly own: unknown; readonly given: unknown }>>;

/**
 * Checks what is said again of how a run was started.
 *
 * @throws ConfigError naming the first that is given and is not the run's own
 */
export function checkSameStart(run: string, facts: StartFacts): void {
  for (const [argument, { own, given }] of Object.entries(facts)) {
    if (given === undefined || given === own) continue;
    throw new ConfigError(`${argument}: ${run} was started with ${text(own ?? null)}, got ${text(given)}`, {
      argument,
    });
  }
}

/** A run's record with another configuration, and with what changed in it; the same record where nothing did. */
export function withChanges<R extends { readonly config: object; readonly changes?: readonly RunChange[] }>(
  record: R,
  config: R['config'],
  step: number,
): R {
  const changed = changedKeys(record.config, config);
  if (Object.keys(changed).length === 0) return record;
  return { ...record, config, changes: [...(record.changes ?? []), { step, config: changed }] };
}
