import type { DitConfig } from './config';
import { mlpWidth, outChannels, TIMESTEP_DIMS, tokenCount } from './sizes';

/** Parameters of a DiT by part; `linear` is what a factored model replaces. */
export interface DitParamCounts {
  /** Patch embedding, weight and bias. */
  readonly patch: number;
  /** Timestep MLP, weights and biases. */
  readonly time: number;
  /** Label table, null row included. */
  readonly label: number;
  /** adaLN layers of all blocks, weights and biases. */
  readonly adaln: number;
  /** Weights of the six main linear layers of all blocks. */
  readonly linear: number;
  /** Biases of the six main linear layers of all blocks. */
  readonly linearBias: number;
  /** adaLN and projection of the output head, weights and biases. */
  readonly final: number;
  /** Sum of the above: everything that is trained. */
  readonly trainable: number;
  /** The fixed sin-cos position table, [T, D]; not a parameter here, stored by facebookresearch/DiT. */
  readonly position: number;
  /** `trainable + position`, the number that the reference prints. */
  readonly total: number;
}

/** Counts the parameters of the dense model from its shapes; makes no tensor. */
export function countDitParams(config: DitConfig): DitParamCounts {
  const { hiddenSize: D, patchSize, inChannels, depth, classes } = config;
  const M = mlpWidth(config);
  const parts = {
    patch: (inChannels * patchSize ** 2 + 1) * D,
    time: (TIMESTEP_DIMS + 1) * D + (D + 1) * D,
    label: (classes + 1) * D,
    adaln: depth * (D + 1) * 6 * D,
    linear: depth * (4 * D * D + 2 * D * M),
    linearBias: depth * (5 * D + M),
    final: (D + 1) * 2 * D + (D + 1) * patchSize ** 2 * outChannels(config),
  };
  const trainable = sum(Object.values(parts));
  const position = tokenCount(config) * D;
  return { ...parts, trainable, position, total: trainable + position };
}

/** Multiply-accumulates of one sample's forward pass by part; `linear` is what a factored model replaces. */
export interface DitMacCounts {
  /** Patch embedding over all tokens. */
  readonly patch: number;
  /** Timestep MLP, once a sample. */
  readonly time: number;
  /** adaLN layers of all blocks, once a sample (not once a token). */
  readonly adaln: number;
  /** The six main linear layers of all blocks over all tokens. */
  readonly linear: number;
  /** q kᵀ and the weighted sum of v, 2 T² D a block. */
  readonly attention: number;
  /** adaLN of the output head once a sample, its projection over all tokens. */
  readonly final: number;
  /** Sum of the above, the paper's "Gflops" column times 1e9. */
  readonly total: number;
}

/**
 * Counts the multiply-accumulates of one forward pass of one sample, without guidance; makes no tensor.
 *
 * Included: every matrix product (one MAC = one multiply and one add). Not included: biases, norms, modulation,
 * softmax, activations, the label lookup and the sinusoids. The paper (Peebles & Xie 2023, table 4) calls the total
 * "Gflops"; in floating-point operations it is twice that.
 */
export function countDitMacs(config: DitConfig): DitMacCounts {
  const { hiddenSize: D, patchSize, inChannels, depth } = config;
  const T = tokenCount(config);
  const parts = {
    patch: T * D * inChannels * patchSize ** 2,
    time: TIMESTEP_DIMS * D + D * D,
    adaln: depth * 6 * D * D,
    linear: T * countDitParams(config).linear,
    attention: depth * 2 * T * T * D,
    final: 2 * D * D + T * D * patchSize ** 2 * outChannels(config),
  };
  return { ...parts, total: sum(Object.values(parts)) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
