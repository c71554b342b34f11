/**
 * The divisor of a layer's input width that PEFT takes where the number or size of blocks does not divide it
 * (`adjust_oft_parameters`): the nearest one, and the smaller of two that are equally near.
 */
export function adjustedSize(inputs: number, wanted: number): number {
  if (wanted >= inputs) return inputs;
  let higher = wanted;
  while (inputs % higher !== 0) higher++;
  let lower = wanted;
  while (lower > 1 && inputs % lower !== 0) lower--;
  return wanted - lower <= higher - wanted ? lower : higher;
}
