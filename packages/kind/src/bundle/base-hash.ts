import { type NamedTensors, tensorBytes, toFloat32 } from '@learngene/tensor-io';
import { type AnyKindConfig, isDitConfig } from '../config-types';
import { sha256 } from './sha256';

/**
 * The fields of a DiT that change its images. `classes` grows with a bundle, and `labelDropout` is a setting of the
 * training.
 */
const DIT_FIELDS = [
  'inputSize',
  'patchSize',
  'inChannels',
  'hiddenSize',
  'depth',
  'heads',
  'mlpRatio',
  'learnSigma',
  'frequencyShift',
  'mlpNormEps',
] as const;

/** What tailors are made for. */
export interface BaseParts {
  /** Network and null gate; ranks and groups of the tailors play no part. */
  readonly config: AnyKindConfig;
  /** Tensors of learngenes.safetensors. */
  readonly learngenes: NamedTensors;
  /** Tensors of shared.safetensors. */
  readonly shared: NamedTensors;
  /** `metadata.images` of the bundle: what outside of the config changes images. */
  readonly images: string | undefined;
}

/**
 * The hash of a base, that is, of all that tailors are made for: names, shapes and values of the learngenes and of the shared
 * part, what of the config changes numbers, and `metadata.images`. Values count as float32, so that a file of half floats
 * and a model that was read from it have one hash.
 *
 * @returns SHA-256 as 64 lower-case hexadecimal digits.
 */
export async function hashBase({ config, learngenes, shared, images = '' }: BaseParts): Promise<string> {
  const lines = [
    'learngene-base-1',
    JSON.stringify(numbersIn(config)),
    JSON.stringify(images),
    ...(await tensorLines('learngenes', learngenes)),
    ...(await tensorLines('shared', shared)),
  ];
  return hashLines(lines);
}

/** The hash of names, shapes and values of some tensors, as in {@link hashBase}. */
export async function hashTensors(tensors: NamedTensors): Promise<string> {
  return hashLines(await tensorLines('tensors', tensors));
}

function hashLines(lines: readonly string[]): Promise<string> {
  return sha256(new TextEncoder().encode(lines.join('\n')));
}

/** What of a config changes numbers and is not told by the shapes of tensors. */
function numbersIn(config: AnyKindConfig): object {
  const { gate, nullGate } = config;
  if (isDitConfig(config)) return { dit: DIT_FIELDS.map((field) => [field, config.dit[field]]), gate, nullGate };
  const { name, layers, rows, embedding } = config.network;
  const shapes = Object.entries(rows).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    network: name,
    layers: layers.map((layer) => layer.name),
    rows: shapes,
    embedding: embedding === undefined ? null : [embedding.rows, embedding.null],
    gate,
    nullGate,
  };
}

/** A line for each tensor, by name: part, name, shape, SHA-256 of its values as little-endian float32. */
async function tensorLines(part: string, tensors: NamedTensors): Promise<string[]> {
  const lines: string[] = [];
  for (const name of [...tensors.keys()].sort()) {
    const tensor = tensors.get(name)!;
    const values = tensorBytes({ dtype: 'F32', shape: tensor.shape, data: toFloat32(tensor) });
    lines.push(`${part} ${name} [${tensor.shape.join(', ')}] ${await sha256(values)}`);
  }
  return lines;
}
