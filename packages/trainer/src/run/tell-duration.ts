import { counted, duration, type Progress } from '@learngene/pipeline';

/** Steps after which the speed is known well enough; the first is left out, as it warms up. */
const MEASURED = 5;

/** Work that follows a training at about the same speed. */
export interface LaterSteps {
  /** Its steps. */
  steps: number;
  /** What they are of, as in `the transfer`. */
  of: string;
}

/** What {@link tellDuration} tells of. */
export interface TellDurationOptions {
  /** Steps that are to be done now. */
  steps: number;
  /** Steps that follow, where there are any. */
  later?: LaterSteps;
  /** Is told once. */
  progress: Progress;
  /** The time in milliseconds (default: now). */
  now?(): number;
}

/**
 * Says once how long a training will take, by the speed of its first steps.
 *
 * @returns what is called after every step
 */
export function tellDuration({
  steps,
  later,
  progress,
  now = () => performance.now(),
}: TellDurationOptions): () => void {
  let done = 0;
  let began = 0;
  return () => {
    done++;
    if (done === 1) began = now();
    if (done !== MEASURED || steps <= MEASURED) return;
    const seconds = (now() - began) / 1000 / (MEASURED - 1);
    const count = (number: number) => number.toLocaleString('en-US');
    const also = later === undefined ? '' : ` and the ${count(later.steps)} of ${later.of}`;
    const speed = seconds > 0 ? `, ${Number((1 / seconds).toPrecision(2))} steps a second` : '';
    const time = duration(seconds * (steps - MEASURED + (later?.steps ?? 0)));
    progress.info(`About ${time} for ${counted(steps, 'step')}${also}${speed}; samples and scores come on top`);
  };
}
