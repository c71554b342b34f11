/** A named size: 'DiT-' family '/' patch size (Peebles & Xie 2023, table 1). */
export type DitPreset = `DiT-${'S' | 'B' | 'L' | 'XL'}/${2 | 4 | 8}`;

/** The fields that a preset fixes. */
export interface DitPresetFields {
  /** Side of a patch. */
  readonly patchSize: number;
  /** Width of a token. */
  readonly hiddenSize: number;
  /** Number of blocks. */
  readonly depth: number;
  /** Number of attention heads. */
  readonly heads: number;
}

const FAMILIES = {
  S: { hiddenSize: 384, depth: 12, heads: 6 },
  B: { hiddenSize: 768, depth: 12, heads: 12 },
  L: { hiddenSize: 1024, depth: 24, heads: 16 },
  XL: { hiddenSize: 1152, depth: 28, heads: 16 },
};

/** The twelve sizes of the paper. */
export const DIT_PRESETS: Readonly<Record<DitPreset, DitPresetFields>> = Object.fromEntries(
  Object.entries(FAMILIES).flatMap(([family, size]) =>
    [2, 4, 8].map((patchSize) => [`DiT-${family}/${patchSize}`, { patchSize, ...size }]),
  ),
) as Record<DitPreset, DitPresetFields>;

/** Whether `name` is one of the twelve presets. */
export function isDitPreset(name: string): name is DitPreset {
  return Object.hasOwn(DIT_PRESETS, name);
}
