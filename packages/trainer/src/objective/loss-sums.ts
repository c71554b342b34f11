import type { DiffusionProcess } from '@learngene/pipeline';
import type { DiffusionBatch } from '../contracts/diffusion';

/** Which part of the losses a sample belongs to. */
export interface SampleParts {
  /** [N] the quarter of the timesteps: 0 has the least noise, 3 the most. */
  readonly quarters: Uint8Array;
  /** [N] the name of the class; undefined where the label was dropped. */
  readonly classes: readonly (string | undefined)[];
}

/** Losses of samples, summed by timestep quarter and by class; plain JSON. */
export interface LossSums {
  /** Sum and count of each quarter. */
  quarters: [sum: number, count: number][];
  /** Sum and count of each class of which there was a sample. */
  classes: Record<string, [sum: number, count: number]>;
}

/** Mean losses by timestep quarter and by class. */
export interface MeanLosses {
  /** Of each quarter of the timesteps, that of the least noise first; null where no sample was in it. */
  byQuarter: (number | null)[];
  /** By the name of the class. */
  byClass: Record<string, number>;
}

/** Tells the parts of the samples of diffusion batches. */
export function partsOfSamples(
  process: DiffusionProcess,
  classNames: readonly string[],
): (batch: Pick<DiffusionBatch, 't' | 'labels' | 'dropped'>) => SampleParts {
  const end = process.kind === 'flow' ? 1 : process.timesteps;
  return ({ t, labels, dropped }) => ({
    quarters: Uint8Array.from(t, (time) => Math.min(3, Math.floor((4 * time) / end))),
    classes: Array.from(labels, (label, i) => (dropped[i] === 1 ? undefined : classNames[label])),
  });
}

/** Sums of no loss. */
export function noLosses(): LossSums {
  return { quarters: [0, 1, 2, 3].map(() => [0, 0]), classes: {} };
}

/** Sums with the losses of more samples. */
export function addLosses(sums: LossSums, { quarters, classes }: SampleParts, losses: Float32Array): LossSums {
  const sum: LossSums = {
    quarters: sums.quarters.map(([total, count]) => [total, count]),
    classes: { ...sums.classes },
  };
  losses.forEach((loss, i) => {
    const quarter = sum.quarters[quarters[i]];
    quarter[0] += loss;
    quarter[1]++;
    const name = classes[i];
    if (name === undefined) return;
    const [total, count] = Object.hasOwn(sum.classes, name) ? sum.classes[name] : [0, 0];
    Object.defineProperty(sum.classes, name, { value: [total + loss, count + 1], ...FIELD });
  });
  return sum;
}

/** An own field, whatever its name: a class may be called `__proto__`. */
const FIELD = { writable: true, enumerable: true, configurable: true } as const;

/** The means of sums. */
export function meanLosses({ quarters, classes }: LossSums): MeanLosses {
  return {
    byQuarter: quarters.map(([sum, count]) => (count === 0 ? null : sum / count)),
    byClass: Object.fromEntries(Object.entries(classes).map(([name, [sum, count]]) => [name, sum / count])),
  };
}
