import { ConfigError } from '@learngene/pipeline';
import { type VaeConfig, vaeTensorShapes } from '@learngene/vae';
import { checkParamsMemory } from '../run/check-training-memory';

/** The most numbers that one weight can be drawn with. */
const LARGEST_WEIGHT = 2 ** 31 - 1;

/**
 * Refuses the training of an autoencoder that is too large, from its shapes alone: a weight that cannot be drawn, or more
 * parameters than the machine's memory holds.
 *
 * @throws ConfigError naming the widths of the larger half
 */
export function checkVaeMemory(model: VaeConfig): void {
  const numbers = { encoder: 0, decoder: 0 };
  let largest = 0;
  for (const [name, shape] of vaeTensorShapes(model, 'learngene')) {
    const size = shape.reduce((product, side) => product * side, 1);
    numbers[/^(encoder|quant)\b/.test(name) ? 'encoder' : 'decoder'] += size;
    largest = Math.max(largest, size);
  }
  const larger = numbers.encoder >= numbers.decoder ? 'encoderWidths' : 'decoderWidths';
  const argument = `model.${model.type === 'tiny' ? larger : 'widths'}`;
  checkParamsMemory(argument, numbers.encoder + numbers.decoder);
  if (largest <= LARGEST_WEIGHT) return;
  const [most, got] = [LARGEST_WEIGHT, largest].map((count) => count.toLocaleString('en-US'));
  throw new ConfigError(`${argument}: expected at most ${most} numbers in a weight, got ${got}`, { argument });
}
