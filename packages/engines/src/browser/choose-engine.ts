import { chooseFrom } from '../choose';
import { cpu } from '../cpu';
import type { BrowserEngineName, ChosenEngine, Engine, LoadOptions } from '../types';
import { wasm } from './wasm';
import { webgl } from './webgl';
import { webgpu } from './webgpu';

/** The engines of browsers, in the order that `auto` prefers; webgpu and webgl count only on a real graphics processor. */
export const BROWSER_ENGINES: readonly Engine<BrowserEngineName>[] = [webgpu, webgl, wasm, cpu];

/**
 * Loads and selects the tfjs backend of an engine of browsers, and tells which one and why. Prints nothing.
 *
 * @throws EngineError for an engine that cannot be used here, with the reason and the remedy
 */
export function chooseEngine(
  name: BrowserEngineName | 'auto' = 'auto',
  options: LoadOptions = {},
): Promise<ChosenEngine<BrowserEngineName>> {
  return chooseFrom(BROWSER_ENGINES, name, options);
}
