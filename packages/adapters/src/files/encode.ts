import { flattenParams, paramsToTensorData } from '@learngene/nn';
import { encodeSafetensors, type TensorData } from '@learngene/tensor-io';
import type { AdaptedModel } from '../model';
import { adapterOf } from '../model';
import { fileKey } from './keys';
import { moduleNames } from './modules';
import { FILES } from './names';
import { toPeftConfig } from './peft-config';

/** Format number of learngene.json. */
export const VERSION = 1;

/**
 * Encodes the adapter of one group as files in PEFT's layout, by name. adapter_config.json and
 * adapter_model.safetensors have PEFT's types and keys for LoRA, DoRA, PiSSA, OFT and LoHa; other methods have types
 * and keys of their own. PEFT ignores the other two: learngene.json (config and group) and label.safetensors (label
 * rows).
 *
 * A PiSSA adapter belongs to the residual of its base model, which a reader must compute again. `loraOfPissa` makes an
 * adapter for the base itself.
 *
 * @param group - name of the group (default: the only one).
 * @returns content by file name; tensors are read back. Rejects on an unknown group.
 */
export async function encodeAdapter(model: AdaptedModel, group?: string): Promise<Map<string, Uint8Array>> {
  const { config, adapters } = model;
  if (group === undefined && config.groups.length > 1) {
    throw new Error(`group: expected a name, the model has ${config.groups.length} groups`);
  }
  const name = group ?? config.groups[0].name;
  const params = adapterOf(adapters, name);
  const { method } = config.adapter;
  const names = moduleNames(config.dit);
  const tensors = new Map<string, TensorData>();
  for (const [leaf, data] of await paramsToTensorData(params.layers)) {
    const { key, transposed } = fileKey(method, leaf, names);
    tensors.set(key, transposed ? transposedData(data) : data);
  }
  const own = {
    format: 'learngene-adapter',
    version: VERSION,
    adapter: config.adapter,
    group: config.groups.find((candidate) => candidate.name === name),
    tensors: flattenParams(params.layers).size,
  };
  return new Map([
    [FILES.config, jsonBytes(toPeftConfig(config.adapter, { dit: config.dit, names }))],
    [FILES.tensors, encodeSafetensors(tensors, { metadata: { format: 'pt' } })],
    [FILES.own, jsonBytes(own)],
    [FILES.label, encodeSafetensors(await paramsToTensorData(params.label))],
  ]);
}

/** [m, n] as [n, m]. */
export function transposedData({ shape, data }: TensorData): TensorData {
  const [rows, columns] = shape;
  const values = data as Float32Array;
  const out = new Float32Array(values.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = values[i * columns + j];
  return { dtype: 'F32', shape: [columns, rows], data: out };
}

/** JSON as a file has it. */
export function jsonBytes(value: object): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);
}
