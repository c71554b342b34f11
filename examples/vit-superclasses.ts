// KIND on a network that is no diffusion model: a vision transformer sorts emoji. Told the superclass (food), it names the
// class inside (fruit). Learngenes serve all superclasses; tailors and rows of the head belong to one. The model is taken
// apart, and a superclass that it has never seen is added on frozen learngenes. Run: npm run example vit-superclasses
import { fileURLToPath } from 'node:url';
import '@tensorflow/tfjs-backend-wasm';
import { createBatches, groupClasses, holdOut, type ImageDataset, selectClasses } from '@learngene/datasets';
import { emojiDataset } from '@learngene/datasets/node';
import * as kind from '@learngene/kind';
import { registerWasmTrainingKernels } from '@learngene/nn/wasm';
import { createGenerator, normal } from '@learngene/random';
import * as tf from '@tensorflow/tfjs-core';
import { size, vitLogits, vitNetwork } from './vit/network';

await tf.setBackend('wasm');
registerWasmTrainingKernels();
const g = createGenerator(0);
const root = fileURLToPath(new URL('.', import.meta.resolve('emoji-datasource-google/package.json')));
const emoji = await emojiDataset({ root, size });

/** Images of some superclasses, to train on and held out, and the groups of their classes. */
function load(superclasses: Record<string, string[]>) {
  const data = selectClasses(emoji, Object.values(superclasses).flat());
  return { ...holdOut(data, { fraction: 0.3, seed: 0 }), groups: groupClasses(data.classes, superclasses) };
}
const scaled = (images: Uint8Array): tf.Tensor4D =>
  tf.tidy(() => tf.sub(tf.div(tf.tensor4d(images, [images.length / (size * size * 3), size, size, 3]), 127.5), 1));

async function train(model: kind.NetworkKindModel, data: ImageDataset, trainable: kind.Trainable, steps: number) {
  const { config } = model;
  const batches = createBatches(data, { batchSize: 48, seed: 0, flip: true });
  let state = kind.initKindTraining(model.params, { trainable });
  for (let step = 0; step < steps; step++) {
    const { images, labels } = await batches.next();
    const [x, truth] = [scaled(images), tf.oneHot(labels, config.network.classes)];
    const loss = (batch: kind.GatedBatch): tf.Scalar =>
      tf.losses.softmaxCrossEntropy(truth, vitLogits(batch, x, config.groups, labels));
    const learningRate = 2e-3 * (1 + Math.cos((Math.PI * step) / steps));
    const next = kind.gatedTrainStep({ state, config, labels, loss }, { learningRate, trainable, clipNorm: 1 });
    kind.disposeReplaced(state, next.state);
    tf.dispose([x, truth, next.loss, next.gradientNorm]);
    state = next.state;
  }
  return { config, params: state.params };
}

/** Percent of images that get their class, told their superclass i, with the factors of superclass `from(i)` or none. */
async function accuracy({ config, params }: kind.NetworkKindModel, data: ImageDataset, from: (i: number) => number) {
  const [{ groups, network }, x] = [config, scaled(await data.read([...data.labels.keys()]))];
  const superclass = (id: number) => groups.findIndex(({ classes }) => classes.includes(id));
  const gates = data.labels.map((id) => groups[from(superclass(id))]?.classes[0] ?? network.classes);
  const logits = kind.applyGated(params, gates, { config }, (batch) => vitLogits(batch, x, groups, data.labels));
  const best = tf.argMax(logits, 1).dataSync();
  return `${Math.round((100 * best.filter((id, n) => id === data.labels[n]).length) / data.size)}%`;
}

const { groups, heldOut, ...known } = load({
  animals: ['animal-bird', 'animal-bug', 'animal-marine'],
  food: ['drink', 'food-fruit', 'food-prepared'],
  people: ['family', 'person-gesture', 'person-sport', 'person-fantasy'],
  symbols: ['alphanum', 'arrow', 'av-symbol', 'geometric'],
});
const network = vitNetwork(heldOut.classes.length);
const shared = { position: tf.tensor2d(normal(g, 16 * 48, { std: 0.1 }), [16, 48]) }; // as `network.shared` says
const config = kind.kindConfig({ network, learngeneRank: 16, tailorRank: 8, groups });
const model = await train({ config, params: kind.initKind(g, config, { shared }) }, known.train, 'all', 150);
const chance = Math.round((100 * groups.length) / network.classes);
console.log(`chance ${chance}%, tailors of the superclass`, await accuracy(model, heldOut, (i) => i));
console.log('learngenes without tailors', await accuracy(model, heldOut, () => -1));
console.log('tailors of a wrong superclass', await accuracy(model, heldOut, (i) => (i + 1) % groups.length));

const files = await kind.decomposeKind(model);
const fetched = await kind.openBundle(async (file) => files.get(file)!, { network: 'vit', groups: [] }); // no tailors
const travel = load({ travel: ['place-building', 'sky & weather', 'time', 'transport-ground'] });
const fresh = kind.transferKind(fetched, { groups: travel.groups, generator: g, domain: 'near' });
const added = await train(fresh, travel.train, 'tailors', 80); // learngenes and shared parts stay as they are
console.log('an added superclass', await accuracy(added, travel.heldOut, (i) => i));
console.log('without its tailors', await accuracy(added, travel.heldOut, () => -1));

/* prints
chance 29%, tailors of the superclass 74%
learngenes without tailors 52%
tailors of a wrong superclass 44%
an added superclass 59%
without its tailors 33%
*/
