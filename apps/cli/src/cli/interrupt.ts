import { InterruptedError } from './errors';

/**
 * A signal that Ctrl-C or SIGTERM aborts. A second Ctrl-C ends the process at once.
 *
 * @returns the signal, and `release`, which gives the default behaviour back
 */
export function interruptSignal(): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(130);
    process.stderr.write('\nStopping after this step; press Ctrl-C again to stop at once\n');
    controller.abort(new InterruptedError('interrupted'));
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
