import { EngineError } from '@learngene/engines';
import { ConfigError, errorLine as errorLineOf } from '@learngene/pipeline';
import { InterruptedError } from '@learngene/trainer';
import { inOptions } from './hints';

/** A mistake in how the command was called: printed with a hint at `--help`, exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** Whether an error is a mistake in how the command was called or configured. */
export function isUsageError(error: unknown): boolean {
  return error instanceof UsageError || error instanceof ConfigError || error instanceof EngineError;
}

/** The exit code of the process that ends with this error. */
export function exitCode(error: unknown): number {
  if (isUsageError(error)) return 2;
  if (error instanceof InterruptedError) return error.signal === 'SIGTERM' ? 143 : 130;
  return 1;
}

/** What an error says; of an engine that was asked for by the command's option. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof EngineError && error.engine !== undefined) {
    return `--engine ${error.engine}: ${error.reason}${error.remedy ? `. Remedy: ${error.remedy}` : ''}`;
  }
  return inOptions(error);
}

/** One clear line for an error, with the causes that say more. */
export function errorLine(error: unknown): string {
  return errorLineOf(error, textOf);
}
