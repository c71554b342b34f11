import { InterruptedError } from '@learngene/trainer';
import { exitCode } from './errors';

/**
 * A signal that Ctrl-C or SIGTERM aborts. A second one ends the process at once.
 *
 * @returns the signal, and `release`, which gives the default behaviour back
 */
export function interruptSignal(): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const stop = (signal: 'SIGINT' | 'SIGTERM') => {
    const error = new InterruptedError('interrupted', { signal });
    if (controller.signal.aborted) process.exit(exitCode(error));
    if (signal === 'SIGINT') process.stderr.write('\nStopping after this step; press Ctrl-C again to stop at once\n');
    controller.abort(error);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return {
    signal: controller.signal,
    release() {
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
    },
  };
}

/** Does work that a first Ctrl-C or SIGTERM aborts. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { signal, release } = interruptSignal();
  try {
    return await work(signal);
  } finally {
    release();
  }
}
