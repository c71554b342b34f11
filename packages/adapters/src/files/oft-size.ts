/**
 * The divisor of a layer's input width that PEFT takes for a number or size of blocks that divides it not
 * (`adjust_oft_parameters`): the nearest, of two equally near the smaller.
 */
export function adjustedSize(inputs: number, wanted: number): number {
  if (wanted >= inputs) return inputs;
  let higher = wanted;
  while (inputs % higher !== 0) higher++;
  let lower = wanted;
  while (lower > 1 && inputs % lower !== 0) lower--;
  return wanted - lower <= higher - wanted ? lower : higher;
}
