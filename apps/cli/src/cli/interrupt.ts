import { InterruptedError } from '@learngene/trainer';
import { exitCode } from './errors';

/** Does work that a first Ctrl-C or SIGTERM aborts; a second one ends the process at once. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = (signal: 'SIGINT' | 'SIGTERM') => {
    const error = new InterruptedError('interrupted', { signal });
    if (controller.signal.aborted) process.exit(exitCode(error));
    if (signal === 'SIGINT') process.stderr.write('\nStopping after this step; press Ctrl-C again to stop at once\n');
    controller.abort(error);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    return await work(controller.signal);
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}
