import { countDitMacs, type DitMacCounts, tokenCount } from '@learngene/dit';
import { type AnyKindConfig, type KindConfig, type NetworkKindConfig, networkOf, tailorRankOf } from './config-types';
import type { Shape } from './network';
import { checkOptionNames } from './option-names';
import { sumsByGate, type TailorGroup } from './tailor-groups';

/** Bytes of a stored number (float32). */
const BYTES = 4;

/** Parameters of a KIND model by part, from shapes alone. */
export interface KindParamCounts {
  /** Dense parts that all classes share; of a DiT: patch, time, adaLN, final layer and the null label row. */
  readonly shared: number;
  /** Learngenes: N_G components of every factored layer and the biases. */
  readonly learngenes: number;
  /** Factors of one group of the config's rank: N_t components of every factored layer. */
  readonly tailorGroup: number;
  /** Dense numbers that belong to one class; of a DiT: the width of its label row. */
  readonly labelRow: number;
  /** All groups: factors and the rows of their classes. */
  readonly tailors: number;
  /** The soft gate's linear layer; 0 with a binary gate. */
  readonly gate: number;
  /** What pre-training trains: the sum of all parts. */
  readonly total: number;
  /** The dense network of the same config, the rows of all classes included. */
  readonly dense: number;
}

/** What a configuration says of its network. */
/** The network of a configuration: the architecture of a Diffusion Transformer, or a description. */
export type DescribedNetwork = Pick<KindConfig, 'dit'> | Pick<NetworkKindConfig, 'network'>;

/** Parameters that one rank-1 component of every factored layer costs: the sum of in + out + 1. */
export function componentParams(config: DescribedNetwork): number {
  return sum(networkOf(config).layers.map((layer) => layer.in + layer.out + 1));
}

/** Counts the parameters that pre-training has, from the config; makes no tensor. */
export function countKindParams(config: AnyKindConfig): KindParamCounts {
  const { learngeneRank, tailorRank, groups } = config;
  const ranks = sum(groups.map((group) => tailorRankOf(config, group)));
  const network = networkOf(config);
  const component = componentParams(config);
  const biases = biasParams(config);
  const row = sizeOf(network.rows);
  const parts = {
    shared: sizeOf(network.shared),
    learngenes: learngeneRank * component + biases,
    tailors: ranks * component + sum(groups.map((group) => group.classes.length)) * row,
    gate: config.gate === 'soft' ? groups.length * (gateWidth(config) + 1) : 0,
  };
  const weights = sum(network.layers.map((layer) => layer.in * layer.out));
  return {
    ...parts,
    tailorGroup: tailorRank * component,
    labelRow: row,
    total: sum(Object.values(parts)),
    dense: parts.shared + weights + biases + network.classes * row,
  };
}

/** Numbers of one class, or of what is shared. */
function sizeOf(shapes: Readonly<Record<string, Shape>>): number {
  return sum(Object.values(shapes).map((shape) => shape.reduce((size, axis) => size * axis, 1)));
}

/** Biases of the factored layers. */
function biasParams(config: DescribedNetwork): number {
  return sum(networkOf(config).layers.map(({ out }) => out));
}

/** Width of the class embedding that a soft gate reads. */
export function gateWidth(config: DescribedNetwork): number {
  const { name, rows, embedding } = networkOf(config);
  if (!embedding) throw new Error(`gate: expected binary for '${name}', a network without class embeddings, got soft`);
  return rows[embedding.rows][0];
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
  config: DescribedNetwork & Pick<KindConfig, 'tailorRank'>,
  options: TransferCountOptions,
): number {
  checkOptionNames('countTransferParams', options, ['groups', 'classes', 'trainNull', 'trainBiases']);
  const { groups, classes, trainNull = false, trainBiases = false } = options;
  checkCount('groups', groups);
  checkCount('classes', classes);
  const { rows, embedding } = networkOf(config);
  if (trainNull && !embedding) throw new Error('trainNull: expected a network with a null label, got one without');
  const none = trainNull ? gateWidth(config) : 0;
  const biases = trainBiases ? biasParams(config) : 0;
  return groups * config.tailorRank * componentParams(config) + classes * sizeOf(rows) + none + biases;
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
  /** dense.total - total: what the factored form saves. Negative where the ranks are too high to save anything. */
  readonly saved: number;
}

/**
 * Counts the multiply-accumulates of inference for one class: the dense parts and N_G + N_t components (with a soft
 * gate, the tailors of all groups). As in the paper's "GFLOPs", a multiply-accumulate counts once. The scaling by s is
 * not counted.
 *
 * @param rank - components of a layer that take part (default: those of the config). N_G gives the unconditional
 *   branch.
 */
export function countKindMacs(config: KindConfig, rank: number = activeRank(config)): KindMacCounts {
  checkCount('rank', rank);
  const dense = countDitMacs(config.dit);
  const widths = sum(networkOf(config).layers.map((layer) => layer.in + layer.out));
  const linear = tokenCount(config.dit) * rank * widths;
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
  /** What a device loads for the class that needs most: learngenes, shared and the tailors of its groups. */
  readonly oneGroup: number;
  /** The dense network of the same config. */
  readonly dense: number;
}

/** Counts the bytes of a bundle from the config; makes no tensor. */
export function countKindBytes(config: AnyKindConfig): KindByteCounts {
  const counts = countKindParams(config);
  const component = componentParams(config);
  const tailors = Object.fromEntries(
    config.groups.map((group) => {
      const factors = tailorRankOf(config, group) * component;
      return [group.name, BYTES * (factors + group.classes.length * counts.labelRow)];
    }),
  );
  const common = BYTES * (counts.learngenes + counts.shared + counts.gate);
  return {
    learngenes: BYTES * counts.learngenes,
    shared: BYTES * (counts.shared + counts.gate),
    tailors,
    total: common + sum(Object.values(tailors)),
    oneGroup: common + Math.max(0, ...sumsByGate(config.groups, ({ name }) => tailors[name])),
    dense: BYTES * counts.dense,
  };
}

/** All of the above: what `learngene` prints about a config. */
export interface KindCounts {
  /** Parameters by part. */
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

/** Components that a sample of the most expensive class uses. */
function activeRank(config: KindConfig): number {
  const rank = (group: TailorGroup) => tailorRankOf(config, group);
  if (config.gate === 'soft') return config.learngeneRank + sum(config.groups.map(rank));
  return config.learngeneRank + Math.max(0, ...sumsByGate(config.groups, rank));
}

function checkCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new Error(`${name}: expected an integer of at least 0, got ${value}`);
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
