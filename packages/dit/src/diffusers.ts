import type { NamedTensors, TensorData } from '@learngene/tensor-io';
import { checkOptions, checkTensors } from './arguments';
import { type DitConfig, validateDitConfig } from './config';
import { exportEntries, importEntries } from './convert';
import { diffusersEntries, ownShapes } from './layouts';

/** Settings of {@link ditFromDiffusers}. */
export interface FromDiffusersOptions {
  /**
   * What to do with the timestep and label embedders, of which diffusers stores a copy for each block. 'equal'
   * (default): all copies must hold the same numbers. 'first': the copy of block 0 is taken. After fine-tuning in
   * diffusers copies may differ; then the result is not exactly that model.
   */
  readonly copies?: 'equal' | 'first';
}

/**
 * Converts a state dict of diffusers' `DiTTransformer2DModel` (`transformer/diffusion_pytorch_model.safetensors`) to
 * our tensors.
 *
 * @param tensors - any dtype; arrays of the result are views of its arrays.
 * @returns tensors in the layout of `DitParams`; use a config with `ditVariant('diffusers')`.
 * @throws on a missing or unexpected key, a wrong shape, or unequal copies of an embedder; the message names the key
 */
export function ditFromDiffusers(
  tensors: NamedTensors,
  config: DitConfig,
  options: FromDiffusersOptions = {},
): Map<string, TensorData> {
  checkTensors(tensors);
  validateDitConfig(config);
  checkOptions(options, ['copies']);
  const { copies = 'equal' } = options;
  if (copies !== 'equal' && copies !== 'first') {
    throw new Error(`copies: expected 'equal' or 'first', got ${JSON.stringify(copies)}`);
  }
  const checkCopies = copies === 'equal';
  return importEntries(tensors, diffusersEntries(config), { layout: 'diffusers', checkCopies });
}

/**
 * Converts our tensors to a state dict of diffusers' `DiTTransformer2DModel`, with a copy of both embedders for every
 * block. It is the inverse of {@link ditFromDiffusers}, bit for bit.
 *
 * @param tensors - in the layout of `DitParams`; the result shares its arrays, copies share one.
 * @throws on a missing or unexpected name and on a wrong shape
 */
export function ditToDiffusers(tensors: NamedTensors, config: DitConfig): Map<string, TensorData> {
  checkTensors(tensors);
  validateDitConfig(config);
  return exportEntries(tensors, diffusersEntries(config), ownShapes(config));
}
