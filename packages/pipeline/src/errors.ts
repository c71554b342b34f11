/** A configuration cannot be used, or a path or name in it. The message names it, what was expected and what came. */
export class ConfigError extends Error {
  /** Always `'ConfigError'`. */
  override name = 'ConfigError';
}

/** A pipeline was used after its `dispose`. */
export class PipelineDisposedError extends Error {
  /** Always `'PipelineDisposedError'`. */
  override name = 'PipelineDisposedError';
}
