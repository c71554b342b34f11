/** A mistake in how the command was called: printed with a hint at `--help`, exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}

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

/** What a function gives; a RangeError, TypeError or Error it throws becomes a UsageError under a name. */
export function asUsageError<T>(name: string, f: () => T): T {
  try {
    return f();
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(name, { cause: error });
  }
}

/** The exit code of the process that ends with this error. */
export function exitCode(error: unknown): number {
  if (error instanceof UsageError) return 2;
  if (error instanceof InterruptedError) return error.signal === 'SIGTERM' ? 143 : 130;
  return 1;
}

/** One clear line for an error, with the causes that say more. */
export function errorLine(error: unknown): string {
  const parts: string[] = [];
  let next: unknown = error;
  for (let depth = 0; depth < 4 && next !== undefined; depth++) {
    const text = (next instanceof Error ? next.message || next.name : String(next)).trim();
    if (!parts.some((part) => part.includes(text))) parts.push(text);
    next = next instanceof Error ? next.cause : undefined;
  }
  return parts.join(': ').replace(/\s*\n\s*/g, ' ');
}
