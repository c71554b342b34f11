import { type ChosenEngine, EngineError, type NodeEngineName } from '@learngene/engines';
import { chooseEngine, usePrecision } from '@learngene/engines/node';
import type { Config } from '@learngene/pipeline';
import type { Output } from './output';

/**
 * Selects the engine of a command, and says which: the one line that stands before any result.
 *
 * @param precision What products are computed in (default: what the engine computes in by itself).
 * @throws EngineError for an engine that cannot be used here, or has no such precision
 */
export async function startEngine(
  name: NodeEngineName | 'auto',
  output: Output,
  precision?: Config['training']['precision'],
): Promise<ChosenEngine<NodeEngineName>> {
  const chosen = await chooseEngine(name);
  output.announce(`Engine: ${chosen.name} (${chosen.detail})`);
  if (output.debug) output.detail(`Engine ${chosen.name}: ${chosen.why}`);
  if (precision !== undefined) setPrecision(precision, chosen);
  return chosen;
}

/** Sets the precision; an error names the key of the configuration. */
function setPrecision(precision: Config['training']['precision'], engine: ChosenEngine): void {
  try {
    usePrecision(precision, engine);
  } catch (error) {
    throw error instanceof EngineError ? new EngineError(`training.${error.reason}`) : error;
  }
}
