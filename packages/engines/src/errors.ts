/** An engine that cannot be used here. The message names the reason and the remedy. */
export class EngineError extends Error {
  override name = 'EngineError';
}
