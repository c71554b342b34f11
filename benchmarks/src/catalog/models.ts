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

/** A forward pass at a rank, 0 for dense. */
export function factoredS(rank: number): Sizes<FactoredSpec> {
  return { ...ditS(), rank };
}
