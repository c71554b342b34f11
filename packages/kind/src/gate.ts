import { applyLinear, type BatchPlan } from '@learngene/nn';
import * as tf from '@tensorflow/tfjs-core';
import type { AnyKindConfig } from './config-types';
import { embedLabels, type NetworkParams } from './params';

/**
 * The soft gate of DivControl: alpha = softmax(G(e)) over the groups, one row a sample, shared by all layers. Rows of
 * samples that use learngenes only (the null label; a dropped label with nullGate 'learngenes') are zero.
 *
 * @returns [N, groups]; the caller owns it.
 * @throws when the parameters have no gate
 */
export function softGate(params: NetworkParams, plan: BatchPlan, config: AnyKindConfig): tf.Tensor2D {
  const { gate } = params;
  if (!gate) throw new Error("params: expected gate.weight for gate 'soft', got none");
  return tf.tidy(() => {
    const groups = config.groups.map((group) => group.name);
    const embedding = embedLabels(params, plan.classes, { config, groups }); // [N, D]
    const alpha = tf.softmax(applyLinear(gate, embedding) as tf.Tensor2D); // [N, K]
    const gated = Float32Array.from(plan.gates, (gate) => (gate < 0 ? 0 : 1));
    return gated.every((value) => value === 1) ? alpha : tf.mul(alpha, tf.tensor2d(gated, [gated.length, 1]));
  });
}
