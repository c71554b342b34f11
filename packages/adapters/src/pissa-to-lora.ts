import * as tf from '@tensorflow/tfjs-core';
import { type Leaves, mainLayers, subTree } from './core/trees';
import type { LoraConfig } from './methods/lora';
import { type AdaptedModel, adapterOf } from './model';
import type { LoraAdapter } from './weighted';

/**
 * Converts a PiSSA adapter to a LoRA adapter for the base model itself. Its update is [b, -b0] [a, a0]ᵀ, of twice the
 * rank, where a0 and b0 are the initial factors, which were taken out of the base (PiSSA, appendix C; PEFT's
 * `path_initial_model_for_weight_conversion`).
 *
 * @returns tensors that the caller owns.
 * @throws for another method
 */
export function loraOfPissa(model: AdaptedModel, group: string): LoraAdapter {
  const { adapter, dit } = model.config;
  if (adapter.method !== 'pissa') throw new Error(`method: expected pissa, got ${adapter.method}`);
  const { layers } = adapterOf(model.adapters, group);
  const doubled = <T extends { readonly rank?: number; readonly alpha?: number }>({ rank, alpha }: T) => ({
    ...(rank !== undefined && { rank: 2 * rank }),
    ...(alpha !== undefined && { alpha: 2 * alpha }),
  });
  const own = Object.entries(adapter.layers ?? {}).map(([name, layer]) => [name, layer && doubled(layer)]);
  const config: LoraConfig = {
    ...{ method: 'lora', rank: 2 * adapter.rank, alpha: 2 * adapter.alpha, rsLora: false },
    ...(own.length > 0 && { layers: Object.fromEntries(own) }),
  };
  const converted = tf.tidy(() =>
    mainLayers(dit, (name) => {
      const [now, start] = [layers, model.frozen].map((part) => subTree<Leaves>(part, name));
      if (!now || !start) return undefined; // a layer without adapter
      return { a: tf.concat([now.a, start.a], 1), b: tf.concat([now.b, tf.neg(start.b)], 1) };
    }),
  );
  return { config, layers: converted };
}
