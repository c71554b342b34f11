import { type ParamTree, paramsFromTensorData } from '@learngene/nn';
import type { NamedTensors } from '@learngene/tensor-io';
import { checkTensors } from './arguments';
import { type DitConfig, validateDitConfig } from './config';
import { importEntries } from './convert';
import { ownShapes } from './layouts';
import type { DitParams } from './params';

/**
 * Parameters of tensors in our layout (as `paramsToTensorData`, `ditFromFacebook` and `ditFromDiffusers` return them).
 *
 * @param tensors - any dtype.
 * @returns f32 parameters owned by the caller.
 * @throws on a missing or unexpected name and on a wrong shape, naming it
 */
export function ditParamsFromTensorData(tensors: NamedTensors, config: DitConfig): DitParams {
  checkTensors(tensors);
  validateDitConfig(config);
  const entries = [...ownShapes(config)].map(([key, shape]) => ({ key, shape, names: [key] }));
  const tree: ParamTree = paramsFromTensorData(importEntries(tensors, entries, { layout: 'learngene' }));
  return tree as DitParams;
}
