import { countDitMacs } from '@learngene/dit';
import { countKindMacs, kindConfig } from '@learngene/kind';
import { configOf } from '../tasks/config';
import type { FactoredSpec, KindSpec, ModelSpec } from '../tasks/specs';

/** Sizes without the place of the weights, which the runner adds. */
export type Sizes<T extends ModelSpec> = Omit<T, 'weights'>;

/** 10 classes in turn, ascending. */
function labelsOf(batch: number, classes: number): number[] {
  return Array.from({ length: batch }, (_, i) => Math.floor((i * classes) / batch));
}

/** DiT-S with patches of 2 on inputs of `inputSize` (16: 64 tokens). */
export function ditS({ batch = 16, inputSize = 16, depth = 12, width = 384 } = {}): Sizes<ModelSpec> {
  return {
    hiddenSize: width,
    depth,
    heads: width / 64,
    patchSize: 2,
    inputSize,
    inChannels: 4,
    classes: 10,
    batch,
    labels: labelsOf(batch, 10),
    precision: 'f32',
  };
}

/** DiT-B/2, 256 tokens. */
export function ditB(batch: number): Sizes<ModelSpec> {
  return { ...ditS({ batch, inputSize: 32, width: 768 }) };
}

/** A KIND model of DiT-S sizes with one group a class, of which a batch holds `active`, ascending. */
export function kindS({ batch = 64, groups = 100, active = 16, depth = 12, tailorRank = 16 } = {}): Sizes<KindSpec> {
  const stride = Math.floor(groups / active);
  return {
    ...ditS({ batch, depth }),
    classes: groups,
    groups,
    labels: labelsOf(batch, active).map((label) => label * stride),
    learngeneRank: 192,
    tailorRank,
  };
}

/** The model and the batch of `learngene demo`: 16 tokens, 8 classes. */
export function demoKind({ groups = 8, batch = 48 } = {}): Sizes<KindSpec> {
  const model = { hiddenSize: 192, depth: 4, heads: 6, patchSize: 8, inputSize: 32, inChannels: 3, classes: groups };
  const labels = labelsOf(batch, groups);
  return { ...model, batch, labels, precision: 'f32', groups, learngeneRank: 64, tailorRank: 8 };
}

/** Floating-point operations of a step, with its gradients: three times those of the forward pass. */
export function stepFlops(spec: Sizes<KindSpec>): number {
  return 3 * forwardFlops(spec) * spec.batch;
}

/** The same of a dense model. */
export function denseFlops(spec: Sizes<ModelSpec>): number {
  return 3 * 2 * countDitMacs(configOf(spec)).total * spec.batch;
}

/** Floating-point operations of a forward pass of one sample. */
export function forwardFlops(spec: Sizes<KindSpec>): number {
  const { learngeneRank, tailorRank } = spec;
  const config = kindConfig({ dit: configOf(spec), learngeneRank, tailorRank, groups: [] });
  return 2 * countKindMacs(config, learngeneRank + tailorRank).total;
}

/** A forward pass at a rank, 0 for dense. */
export function factoredS(rank: number): Sizes<FactoredSpec> {
  return { ...ditS(), rank };
}
