import { type Precision, setNativePrecision } from '@learngene/backend-native';
import { EngineError } from '../errors';
import type { ChosenEngine } from '../types';

/**
 * Sets the precision in which the chosen engine computes matrix products.
 *
 * @throws EngineError where the engine, or the processor, has no bfloat16 products
 */
export function usePrecision(precision: Precision, engine: ChosenEngine): void {
  if (engine.name !== 'native') {
    if (precision === 'f32') return;
    throw new EngineError(`precision bf16: only the engine native has it, the engine here is ${engine.name}`);
  }
  try {
    setNativePrecision(precision);
  } catch (error) {
    throw new EngineError(error instanceof Error ? error.message : String(error));
  }
}
