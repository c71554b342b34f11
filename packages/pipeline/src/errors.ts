/** A configuration, or a path or name that it gives, that cannot be used. The message names it, what was expected and what came. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/** A pipeline was used after its `dispose`. */
export class PipelineDisposedError extends Error {
  override name = 'PipelineDisposedError';
}
