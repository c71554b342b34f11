import { countDitMacs, countDitParams, type DitMacCounts, mlpWidth } from '@learngene/dit';
import type { KindConfig } from './config';
import { checkOptionNames } from './option-names';

/** Bytes of a stored number (float32). */
const BYTES = 4;
/** Main weights of a block: q, k, v, o and the two layers of the MLP. */
const MAIN_WEIGHTS = 6;

/** Parameters of a KIND model by piece, from shapes alone. */
export interface KindParamCounts {
  /** Dense parts: patch, time, adaLN, final layer and the null label row. */
  readonly shared: number;
  /** Learngenes: N_G components of every main weight and the biases. */
  readonly learngenes: number;
  /** Factors of one group: N_t components of every main weight. */
  readonly tailorGroup: number;
  /** Width of a class's label row; every group has one row a class. */
  readonly labelRow: number;
  /** All groups: factors and label rows. */
  readonly tailors: number;
  /** The soft gate's linear layer; 0 with a binary gate. */
  readonly gate: number;
  /** What pre-training trains: the sum of all parts. */
  readonly total: number;
  /** The dense DiT of the same config, label table included. */
  readonly dense: number;
}

/** Parameters that one rank-1 component of all main weights of all blocks costs: the sum of in + out + 1. */
export function componentParams(config: Pick<KindConfig, 'dit'>): number {
  const D = config.dit.hiddenSize;
  const M = mlpWidth(config.dit);
  return config.dit.depth * (4 * 2 * D + 2 * (D + M) + MAIN_WEIGHTS);
}

/** Counts parameters in pre-training from the config; makes no tensor. */
export function countKindParams(config: KindConfig): KindParamCounts {
  const { dit, learngeneRank, tailorRank, groups } = config;
  const dense = countDitParams(dit);
  const component = componentParams(config);
  const labelRow = dit.hiddenSize;
  const classes = sum(groups.map((group) => group.classes.length));
  const parts = {
    shared: dense.patch + dense.time + dense.adaln + dense.final + labelRow,
    learngenes: learngeneRank * component + dense.linearBias,
    tailors: groups.length * tailorRank * component + classes * labelRow,
    gate: config.gate === 'soft' ? groups.length * (labelRow + 1) : 0,
  };
  return {
    ...parts,
    tailorGroup: tailorRank * component,
    labelRow,
    total: sum(Object.values(parts)),
    dense: dense.trainable,
  };
}

/** What a transfer trains; the fields of {@link countTransferParams}. */
export interface TransferCountOptions {
  /** New groups of tailors. */
  readonly groups: number;
  /** New classes, a label row each. */
  readonly classes: number;
  /** Whether the null label row is trained too (default false). */
  readonly trainNull?: boolean;
  /** Whether the biases of the main weights are trained too (default false). */
  readonly trainBiases?: boolean;
}

/** Trainable parameters in a transfer with frozen learngenes and shared parts; makes no tensor. */
export function countTransferParams(
  config: Pick<KindConfig, 'dit' | 'tailorRank'>,
  options: TransferCountOptions,
): number {
  checkOptionNames('countTransferParams', options, ['groups', 'classes', 'trainNull', 'trainBiases']);
  const { groups, classes, trainNull = false, trainBiases = false } = options;
  checkCount('groups', groups);
  checkCount('classes', classes);
  const rows = classes + (trainNull ? 1 : 0);
  const biases = trainBiases ? countDitParams(config.dit).linearBias : 0;
  return groups * config.tailorRank * componentParams(config) + rows * config.dit.hiddenSize + biases;
}

/** Multiply-accumulates of one sample's forward pass, without guidance. */
export interface KindMacCounts {
  /** The main weights as factored layers, over all tokens. */
  readonly linear: number;
  /** Everything else, as in the dense model. */
  readonly rest: number;
  /** linear + rest. */
  readonly total: number;
  /** The dense DiT of the same config, by part. */
  readonly dense: DitMacCounts;
  /** dense.total - total: what the factored form saves; negative where the ranks are too high to save. */
  readonly saved: number;
}

/**
 * Counts the inference MACs of a class: dense parts + N_G + N_t components (all groups' tailors with a soft gate).
 * As in the paper's "GFLOPs", a multiply-accumulate counts once; the scaling by s is not counted.
 *
 * @param rank - components a layer that take part; default what the config says. N_G gives the unconditional branch.
 */
export function countKindMacs(config: KindConfig, rank: number = activeRank(config)): KindMacCounts {
  checkCount('rank', rank);
  const dense = countDitMacs(config.dit);
  const tokens = (config.dit.inputSize / config.dit.patchSize) ** 2;
  const linear = tokens * rank * (componentParams(config) - MAIN_WEIGHTS * config.dit.depth);
  const rest = dense.total - dense.linear;
  const total = rest + linear;
  return { linear, rest, total, dense, saved: dense.total - total };
}

/** Bytes of a bundle's float32 tensors (without the few hundred bytes of each file's header). */
export interface KindByteCounts {
  /** learngenes.safetensors. */
  readonly learngenes: number;
  /** shared.safetensors. */
  readonly shared: number;
  /** tailors/<group>.safetensors by group name. */
  readonly tailors: Readonly<Record<string, number>>;
  /** All files. */
  readonly total: number;
  /** What a device loads for one class of the largest group: learngenes, shared and that group's tailors. */
  readonly oneGroup: number;
  /** The dense DiT of the same config. */
  readonly dense: number;
}

/** Counts the bytes of a bundle from the config; makes no tensor. */
export function countKindBytes(config: KindConfig): KindByteCounts {
  const counts = countKindParams(config);
  const tailors = Object.fromEntries(
    config.groups.map((group) => [group.name, BYTES * (counts.tailorGroup + group.classes.length * counts.labelRow)]),
  );
  const common = BYTES * (counts.learngenes + counts.shared + counts.gate);
  return {
    learngenes: BYTES * counts.learngenes,
    shared: BYTES * (counts.shared + counts.gate),
    tailors,
    total: common + sum(Object.values(tailors)),
    oneGroup: common + Math.max(0, ...Object.values(tailors)),
    dense: BYTES * counts.dense,
  };
}

/** All of the above: what `learngene` prints about a config. */
export interface KindCounts {
  /** Parameters by piece. */
  readonly params: KindParamCounts;
  /** Inference MACs of a class. */
  readonly macs: KindMacCounts;
  /** Bytes on disk by file. */
  readonly bytes: KindByteCounts;
}

/** Counts parameters, MACs and bytes from the config; makes no tensor. */
export function countKind(config: KindConfig): KindCounts {
  return { params: countKindParams(config), macs: countKindMacs(config), bytes: countKindBytes(config) };
}

function activeRank({ learngeneRank, tailorRank, gate, groups }: KindConfig): number {
  return learngeneRank + tailorRank * (gate === 'soft' ? groups.length : Math.min(1, groups.length));
}

function checkCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new Error(`${name}: expected an integer of at least 0, got ${value}`);
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
