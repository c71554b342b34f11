import type { EngineName } from './types';

/** An engine that cannot be used here. The message has the engine, the reason and the remedy. */
export class EngineError extends Error {
  /** Always `'EngineError'`. */
  override readonly name = 'EngineError';
  /** The engine that was asked for by name. */
  readonly engine: EngineName | undefined;
  /** Why it cannot be used. */
  readonly reason: string;
  /** What can be done about it. */
  readonly remedy: string | undefined;

  /** @param reason Why the engine cannot be used. */
  constructor(reason: string, { engine, remedy }: { engine?: EngineName; remedy?: string } = {}) {
    super(`${engine === undefined ? '' : `engine ${engine}: `}${reason}${remedy ? `. Remedy: ${remedy}` : ''}`);
    this.engine = engine;
    this.reason = reason;
    this.remedy = remedy;
  }
}
