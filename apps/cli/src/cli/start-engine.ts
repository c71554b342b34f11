import type { EngineName } from '@learngene/engines';
import { type ChosenEngine, chooseEngine } from '@learngene/engines/node';
import type { Output } from './output';

/** Selects the engine of a command, and says which: the one line that stands before any result. */
export async function startEngine(name: EngineName | 'auto', output: Output): Promise<ChosenEngine> {
  const chosen = await chooseEngine(name);
  output.announce(`Engine: ${chosen.name} (${chosen.detail})`);
  if (output.debug) output.detail(`Engine ${chosen.name}: ${chosen.why}`);
  return chosen;
}
