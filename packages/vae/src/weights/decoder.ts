import { paramsFromTensorData } from '@learngene/nn';
import type { NamedTensors } from '@learngene/tensor-io';
import { type Autoencoder, createAutoencoder } from '../autoencoder';
import { type VaeConfig, validateVaeConfig } from '../config';
import { checkTensors } from '../core/arguments';
import type { VaeParams } from '../params';
import { checkOwnTensors } from './checkpoint';

/** Whether a tensor of our layout is used by decoding. */
function isOfDecoder(name: string): boolean {
  return !/^(encoder|quant)\./.test(name);
}

/**
 * An autoencoder that only decodes, of the tensors that decoding needs: less to fetch where images are sampled.
 *
 * @param tensors - of a floating dtype, in the 'learngene' layout; all but those of the encoder (`encoder.` and `quant.`).
 * @returns an autoencoder whose `encode` throws; the caller disposes it.
 * @throws as `vaeParamsFromTensorData`
 */
export function createDecoder(tensors: NamedTensors, config: VaeConfig): Autoencoder {
  checkTensors(tensors);
  validateVaeConfig(config);
  const own = paramsFromTensorData(checkOwnTensors(tensors, config, isOfDecoder));
  const params = { encoder: {}, ...own } as unknown as VaeParams;
  return {
    ...createAutoencoder(params, config),
    encode: () => {
      throw new Error('autoencoder: expected one with its encoder, got a decoder alone');
    },
  };
}
