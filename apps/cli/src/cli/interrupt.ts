import { exitCode, InterruptedError } from './errors';

/** The error of a run that a signal aborted, which remembers the signal for the exit code. */
export function interruptedBy({ reason }: AbortSignal, message: string): InterruptedError {
  return new InterruptedError(message, reason instanceof InterruptedError ? { signal: reason.signal } : {});
}

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
