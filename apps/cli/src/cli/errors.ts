/** A mistake in how the command was called: printed with a hint at `--help`, exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** The run was stopped by the user after its state was saved: exit code 130. */
export class InterruptedError extends Error {
  override name = 'InterruptedError';
}

/** The exit code of the process that ends with this error. */
export function exitCode(error: unknown): number {
  if (error instanceof UsageError) return 2;
  if (error instanceof InterruptedError) return 130;
  return 1;
}

/** One clear line for an error, with the causes that say more. */
export function errorLine(error: unknown): string {
  const parts: string[] = [];
  for (let e: unknown = error; e !== undefined && parts.length < 4; e = e instanceof Error ? e.cause : undefined) {
    const text = (e instanceof Error ? e.message : String(e)).trim();
    if (!parts.some((part) => part.includes(text))) parts.push(text);
  }
  return parts.join(': ').replace(/\s*\n\s*/g, ' ');
}
