import { readFileSync } from 'node:fs';
import {
  type GatedBatch,
  gatedTrainStep,
  initKindTraining,
  type KindTrainState,
  kindConfig,
  type NetworkParams,
} from '@learngene/kind';
import { flattenParams, type ParamTree, unflattenParams } from '@learngene/nn';
import { createGenerator, normal } from '@learngene/random';
import { useTestBackend } from '@learngene/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { size, vitLogits, vitNetwork } from '../vit/network';

interface Fixture {
  groups: Record<string, number[]>;
  ranks: [number, number];
  options: { learningRate: number; clipNorm: number; emaDecay: number };
  steps: { labels: number[]; dropped: number[]; loss: number; norm: number }[];
  norms: Record<'params' | 'ema', Record<string, number>>;
}

const torch = JSON.parse(readFileSync(new URL('../fixtures/vit.json', import.meta.url), 'utf8')) as Fixture;
const network = vitNetwork(7);
const groups = Object.entries(torch.groups).map(([name, classes]) => ({ name, classes }));
const [learngeneRank, tailorRank] = torch.ranks;
const config = kindConfig({ network, learngeneRank, tailorRank, groups });
const g = createGenerator(0);
const draw = (shape: readonly number[], { std = 0.3, mean = 0 } = {}): tf.Tensor => {
  const values = normal(g, tf.util.sizeFromShape([...shape])).map((value) => mean + Math.fround(std) * value);
  return tf.tensor(values, [...shape]);
};
const factors = (rank: number) =>
  network.layers.flatMap((layer): [string, tf.Tensor][] => [
    [`${layer.name}.u`, draw([layer.out, rank])],
    [`${layer.name}.s`, draw([rank], { mean: 1 })],
    [`${layer.name}.v`, draw([layer.in, rank])],
  ]);
const tree = (leaves: readonly [string, tf.Tensor][]) => unflattenParams(new Map(leaves));

/** The parameters as tools/fixtures/make_examples.py draws them, in the same order. */
function drawParams(): NetworkParams {
  const shared = { position: draw(network.shared.position) };
  const common = factors(learngeneRank);
  const biases = network.layers.map(({ name, out }): [string, tf.Tensor] => [`${name}.bias`, draw([out])]);
  const tailors = groups.map(({ name, classes }) => {
    const own = factors(tailorRank);
    return [name, tree([...own, ['head', draw([classes.length, ...network.rows.head])]])];
  });
  return { shared, learngenes: tree([...common, ...biases]), tailors: Object.fromEntries(tailors) };
}

/** Euclidean norm of a part; the biases of keys are left out, whose gradients are nothing but rounding. */
function normOf(part: ParamTree): number {
  const leaves = [...flattenParams(part)].filter(([name]) => !name.endsWith('k.bias'));
  return Math.sqrt(leaves.flatMap(([, leaf]) => [...leaf.dataSync()]).reduce((sum, value) => sum + value * value, 0));
}

beforeAll(useTestBackend);

test('four steps of the vision transformer are those of torch: loss, gradient, parameters, averages and clocks', () => {
  let state: KindTrainState<NetworkParams> = initKindTraining(drawParams(), { trainable: 'all' });
  for (const step of torch.steps) {
    const images = draw([step.labels.length, size, size, 3], { std: 0.5 }) as tf.Tensor4D;
    const labels = Int32Array.from(step.labels);
    const loss = (batch: GatedBatch): tf.Scalar =>
      tf.losses.softmaxCrossEntropy(tf.oneHot(labels, 7), vitLogits(batch, images, groups, labels));
    const inputs = { state, config, labels, dropped: step.dropped, loss };
    const next = gatedTrainStep(inputs, { ...torch.options, trainable: 'all' });
    expect(Math.abs(next.loss.dataSync()[0] / step.loss - 1)).toBeLessThan(1e-5);
    expect(Math.abs(next.gradientNorm.dataSync()[0] / step.norm - 1)).toBeLessThan(1e-5);
    state = next.state;
  }
  for (const of of ['params', 'ema'] as const) {
    const { shared, learngenes, tailors } = state[of];
    for (const [name, part] of Object.entries<ParamTree>({ shared, learngenes, ...tailors }))
      expect(Math.abs(normOf(part) / torch.norms[of][name] - 1), `${of} ${name}`).toBeLessThan(1e-6);
  }
  expect(groups.map(({ name }) => state.optimizer.tailors[name].step)).toEqual([4, 3, 1]);
});
