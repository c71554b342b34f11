/** Stopped by a signal, a run after its state was saved: exit code 130 after Ctrl-C, 143 after SIGTERM. */
export class InterruptedError extends Error {
  override name = 'InterruptedError';

  /** The signal, where it was not Ctrl-C. */
  readonly signal: 'SIGINT' | 'SIGTERM';

  constructor(message: string, options: ErrorOptions & { signal?: 'SIGINT' | 'SIGTERM' } = {}) {
    super(message, options);
    this.signal = options.signal ?? 'SIGINT';
  }
}

/** The error of a run that a signal aborted, which remembers the signal for the exit code. */
export function interruptedBy({ reason }: AbortSignal, message: string): InterruptedError {
  return new InterruptedError(message, reason instanceof InterruptedError ? { signal: reason.signal } : {});
}
