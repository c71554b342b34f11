import type { DitConfig } from '@learngene/dit';
import { paramsToTensorData } from '@learngene/nn';
import { encodeSafetensors, type TensorData } from '@learngene/tensor-io';
import { checkFields } from '../core/checks';
import type { LoraAdapter } from '../weighted';
import { jsonBytes, transposedData } from './encode';
import { fileKey } from './keys';
import { type ModuleOptions, moduleNames } from './modules';
import { FILES } from './names';
import { toPeftConfig } from './peft-config';

/** Options of {@link encodeLora}. */
export interface EncodeLoraOptions extends ModuleOptions {
  /** The architecture that the adapter is for. */
  readonly dit: DitConfig;
}

/**
 * Encodes a LoRA adapter as PEFT has it: adapter_config.json and adapter_model.safetensors, and nothing else. Label rows are not
 * in it; they belong to the model that it is for.
 *
 * @returns content by file name; tensors are read back.
 */
export async function encodeLora(adapter: LoraAdapter, options: EncodeLoraOptions): Promise<Map<string, Uint8Array>> {
  checkFields('encodeLora', options, ['dit', 'modules']);
  const { dit, modules } = options;
  const names = moduleNames(dit, modules);
  const tensors = new Map<string, TensorData>();
  for (const [leaf, data] of await paramsToTensorData(adapter.layers)) {
    const { key, transposed } = fileKey('lora', leaf, names);
    tensors.set(key, transposed ? transposedData(data) : data);
  }
  return new Map([
    [FILES.config, jsonBytes(toPeftConfig(adapter.config, { dit, names }))],
    [FILES.tensors, encodeSafetensors(tensors, { metadata: { format: 'pt' } })],
  ]);
}
