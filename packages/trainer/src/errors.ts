import type { ErrorCode } from '@learngene/pipeline';

/** Data that were there once, or of which a part cannot be read. */
export class DataError extends Error {
  /** Always `'DataError'`. */
  override name = 'DataError';

  /** What failed. */
  readonly code: ErrorCode;

  /** The field of the configuration at fault, where the message begins with it. */
  readonly argument: string | undefined;

  /** @param message Names the file and what is wrong with it. */
  constructor(message: string, { code, argument, ...options }: ErrorOptions & { code: ErrorCode; argument?: string }) {
    super(message, options);
    this.code = code;
    this.argument = argument;
  }
}

/** Stopped by a signal, a run after its state was saved: exit code 130 after Ctrl-C, 143 after SIGTERM. */
export class InterruptedError extends Error {
  /** Always `'InterruptedError'`. */
  override name = 'InterruptedError';

  /** The signal, where it was not Ctrl-C. */
  readonly signal: 'SIGINT' | 'SIGTERM';

  /** What was interrupted, where it can be continued. */
  readonly code: ErrorCode | undefined;

  constructor(
    message: string,
    { signal = 'SIGINT', code, ...options }: ErrorOptions & { signal?: 'SIGINT' | 'SIGTERM'; code?: ErrorCode } = {},
  ) {
    super(message, options);
    this.signal = signal;
    this.code = code;
  }
}

/** The error of a run that a signal aborted, which remembers the signal for the exit code. */
export function interruptedBy({ reason }: AbortSignal, message: string, code?: ErrorCode): InterruptedError {
  return new InterruptedError(message, { ...(reason instanceof InterruptedError && { signal: reason.signal }), code });
}

/** What a step measured; the validation loss only where it is no finite number. */
export interface MeasuredStep {
  /** Steps done, the failing one included. */
  step: number;
  /** The loss of the step. */
  loss: number;
  /** The norm of its gradient before clipping. */
  gradientNorm: number;
  /** The validation loss after the step. */
  validationLoss?: number;
}

/** A step of which the loss, the norm of the gradient or the validation loss is no finite number. */
export class NonFiniteLossError extends Error {
  /** Always `'NonFiniteLossError'`. */
  override name = 'NonFiniteLossError';

  /** Steps done, the failing one included. */
  readonly step: number;

  /** The loss of the step. */
  readonly loss: number;

  /** The norm of its gradient before clipping. */
  readonly gradientNorm: number;

  /** The validation loss after the step, where it is what is no finite number. */
  readonly validationLoss?: number;

  /** @param measured What the step measured; `advice` ends the message. */
  constructor({ step, loss, gradientNorm, validationLoss }: MeasuredStep, advice = '') {
    const what =
      validationLoss === undefined
        ? `loss is ${loss} (gradient norm ${gradientNorm})`
        : `validation loss is ${validationLoss}`;
    super(`training: the ${what} at step ${step}${advice}`);
    this.step = step;
    this.loss = loss;
    this.gradientNorm = gradientNorm;
    this.validationLoss = validationLoss;
  }
}
