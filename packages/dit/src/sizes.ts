import type { DitConfig } from './config';

/** Width of the sinusoidal timestep embedding, fixed in every published DiT. */
export const TIMESTEP_DIMS = 256;

/** Patches along one side of the input. */
export function gridSize({ inputSize, patchSize }: DitConfig): number {
  return inputSize / patchSize;
}

/** Number of tokens T that the transformer sees. */
export function tokenCount(config: DitConfig): number {
  return gridSize(config) ** 2;
}

/** Channels of the output: `inChannels`, or twice as many with `learnSigma`. */
export function outChannels({ inChannels, learnSigma }: DitConfig): number {
  return learnSigma ? 2 * inChannels : inChannels;
}

/** The label id that stands for "no class": the last row of the label table. */
export function nullLabel({ classes }: DitConfig): number {
  return classes;
}

/** Hidden width of a block's MLP. */
export function mlpWidth({ hiddenSize, mlpRatio }: DitConfig): number {
  return Math.trunc(hiddenSize * mlpRatio);
}
