/** A failure that a caller can cure. A program says how in terms of its own: a command names an option, a page a control. */
export type ErrorCode =
  /** The folder of a new run holds a run. */
  | 'run-exists'
  /** The folder of a new run holds checkpoints without a record. */
  | 'record-missing'
  /** A class is not among those that there are; `choices` has them. */
  | 'class-unknown'
  /** No class is named, and none can be told. */
  | 'class-needed'
  /** The data are not where they were. */
  | 'data-missing'
  /** The images are not those that a run was started on. */
  | 'data-changed'
  /** An image cannot be read; `data.onCorrupt: 'skip'` leaves it out. */
  | 'image-unreadable'
  /** A file holds several models, and none is the one to take. */
  | 'models-several'
  /** A dense model does not say how it is drawn from. */
  | 'recipe-missing'
  /** A training was interrupted; a checkpoint was written. */
  | 'training-interrupted'
  /** The folder of a demo holds a finished one, or one of other settings. */
  | 'demo-exists'
  /** A demo was interrupted; called again it continues. */
  | 'demo-interrupted'
  /** A folder holds event files of a run. */
  | 'events-exist'
  /** The work after a training was interrupted. */
  | 'report-interrupted';

/** What a program can read of an error, beside its message. */
export interface ErrorFacts {
  /** The argument or the field of the configuration at fault; the message begins with it. */
  argument?: string;
  /** What failed, where a caller can cure it. */
  code?: ErrorCode;
  /** The names that would be taken. */
  choices?: readonly string[];
}

/** A configuration cannot be used, or a path or name in it. The message names it, what was expected and what came. */
export class ConfigError extends Error {
  /** Always `'ConfigError'`. */
  override name = 'ConfigError';
  /** The argument or the field of the configuration at fault, where the message begins with it. */
  readonly argument: string | undefined;
  /** What failed, where a caller can cure it. */
  readonly code: ErrorCode | undefined;
  /** The names that would be taken. */
  readonly choices: readonly string[] | undefined;

  /** @param message Names what is at fault, what was expected and what came. */
  constructor(message: string, { argument, code, choices, ...options }: ErrorOptions & ErrorFacts = {}) {
    super(message, options);
    this.argument = argument;
    this.code = code;
    this.choices = choices;
  }
}

/** A pipeline was used after its `dispose`. */
export class PipelineDisposedError extends Error {
  /** Always `'PipelineDisposedError'`. */
  override name = 'PipelineDisposedError';
}
