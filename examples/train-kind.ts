// All of KIND on stripes: train learngenes and tailors together, take the model apart, assemble what a device wants, and
// teach it a class that it has never seen by training a few tailors on frozen learngenes.
// Run: npm run example train-kind
import '@tensorflow/tfjs-backend-wasm';
import * as diffusion from '@learngene/diffusion';
import { ditConfig } from '@learngene/dit';
import * as kind from '@learngene/kind';
import { registerWasmTrainingKernels } from '@learngene/nn/wasm';
import { createGenerator, normal, randomIntegers, uniform } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';

await tf.setBackend('wasm');
registerWasmTrainingKernels();
const g = createGenerator(0);
const process = diffusion.gaussianDiffusion({ schedule: 'cosine', timesteps: 100, prediction: 'x0' });
const stripes: Record<string, (row: number, column: number) => number> = {
  rows: (row) => row,
  columns: (_, column) => column,
  checks: (row, column) => row + column,
  bands: (row) => row >> 1,
};

/** [N, 4, 4, 1] images of the named stripes with a little noise. */
function images(names: readonly string[]): tf.Tensor4D {
  const dark = names.flatMap((name) => Array.from({ length: 16 }, (_, i) => stripes[name](i >> 2, i % 4) % 2));
  const grain = normal(g, dark.length, { std: 0.1 });
  return tf.tensor4d(
    Float32Array.from(dark, (value, i) => 0.9 - 1.8 * value + grain[i]),
    [names.length, 4, 4, 1],
  );
}

/** Diversion: each sample trains its own class's tailors and, unless frozen, what all classes share. */
function train({ config, params }: kind.KindModel, trainable: kind.Trainable, steps: number): kind.KindModel {
  let state = kind.initKindTraining(params, { trainable });
  for (let step = 0; step < steps; step++) {
    const labels = randomIntegers(g, 12, { high: config.groups.length });
    const x0 = images(Array.from(labels, (label) => config.groups[label].name));
    const t = randomIntegers(g, 12, { high: 100 });
    const noise = diffusion.drawNoise(g, x0.shape);
    const loss = (denoiser: diffusion.Denoiser) =>
      tf.mean(diffusion.trainingLosses(process, denoiser, { x0, t, noise }).loss) as tf.Scalar;
    const dropped = uniform(g, 12).map((value) => Number(value < 0.1)); // trains the learngenes by themselves
    const inputs = { state, config, labels, dropped, loss };
    const next = kind.kindTrainStep(inputs, { learningRate: 8e-3, trainable, clipNorm: 1 });
    kind.disposeReplaced(state, next.state);
    tf.dispose([x0, noise, next.loss, next.gradientNorm]);
    state = next.state;
  }
  return { config, params: state.params };
}

/** How many of 20 samples of a class look more like that class than like any other. */
async function recognised({ config, params }: kind.KindModel, name: string): Promise<string> {
  const labels = new Int32Array(20).fill(config.groups.findIndex((group) => group.name === name));
  const denoiser: diffusion.Denoiser = (x, t) => kind.applyKind(params, { x, t, labels }, { config });
  const x = await diffusion.sampleDdim(process, denoiser, { noise: diffusion.drawNoise(g, [20, 4, 4, 1]), steps: 10 });
  const names = Object.keys(stripes);
  const flat = (images: tf.Tensor4D) => tf.reshape(images, [-1, 16]) as tf.Tensor2D;
  const best = tf.argMax(tf.matMul(flat(x), flat(images(names)), false, true), 1).dataSync(); // [20]
  return `${name} ${best.filter((i) => names[i] === name).length}/20`;
}

const dit = ditConfig({ inputSize: 4, patchSize: 2, inChannels: 1, hiddenSize: 24, depth: 2, heads: 2, classes: 3 });
const groups = ['rows', 'columns', 'checks'].map((name, id) => ({ name, classes: [id] }));
const config = kind.kindConfig({ dit: { ...dit, learnSigma: false }, learngeneRank: 8, tailorRank: 3, groups });
const model = train({ config, params: kind.initKind(g, config) }, 'all', 100);
for (const { name } of groups) console.log('trained:', await recognised(model, name));

const files = await kind.decomposeKind(model); // what a server holds
const wanted = { groups: ['columns'] };
const fetched = await kind.openBundle(async (file) => files.get(file)!, wanted); // these tailors, no others
const small = kind.assembleFactored(fetched, { ...wanted, budget: { parameters: 24_000 } });
const [before, after] = [model, small].map((each) => Math.round(kind.countAssembled(each).parameters / 1000));
console.log(`${before} -> ${after} thousand parameters:`, await recognised(small, 'columns'));

const novel = [{ name: 'bands', classes: [0] }];
const fresh = kind.transferKind(model, { groups: novel, generator: g, domain: 'near' });
console.log('never seen:', await recognised(fresh, 'bands'));
console.log('its tailors trained:', await recognised(train(fresh, 'tailors', 80), 'bands'));

/* prints
trained: rows 20/20
trained: columns 20/20
trained: checks 20/20
31 -> 24 thousand parameters: columns 20/20
never seen: bands 0/20
its tailors trained: bands 20/20
*/
