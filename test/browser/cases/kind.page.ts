// The page of kind.test.ts: what an app does with a bundle on a server.
import { type Denoiser, drawNoise, gaussianDiffusion, sampleDdim, trainingLosses } from '@learngene/diffusion';
import * as kind from '@learngene/kind';
import { disposeParams, flattenParams, type ParamTree } from '@learngene/nn';
import { createGenerator, randomIntegers } from '@learngene/random';
import { httpSource, openSafetensors } from '@learngene/tensor-io';
import * as tf from '@tensorflow/tfjs-core';
import { type Engine, startEngine } from '../page/engine';
import type { Numbers } from '../src/compare';

const diffusion = gaussianDiffusion({ schedule: 'linear', timesteps: 1000, prediction: 'epsilon' });
const GROUPS = ['cats', 'owls'];
const NOVEL = [
  { name: 'bats', classes: [1] },
  { name: 'newts', classes: [0, 2] },
];
const STEPS = 3;

/** What the page computes on an engine, by name. */
async function run(engine: Engine, bundle: string): Promise<Numbers> {
  await startEngine(engine);
  console.info('the engine runs');
  const tensors = tf.memory().numTensors;
  const numbers: Record<string, number[]> = {};
  numbers['label rows of foxes'] = await oneTensor(`${bundle}/tailors/foxes.safetensors`, 'label.rows');
  const model = await kind.openBundle(fetchOver(bundle), { groups: GROUPS });
  console.info('two tailors are fetched');
  numbers.samples = await sample(model, 'the whole');

  // After samples, for then the parameters are on the GPU.
  const cut = { groups: GROUPS, budget: { parameters: 56_000 } };
  if (engine === 'webgpu') mustRefuse(() => kind.assembleFactored(model, cut), /call assembleFactoredAsync/);
  const small = await kind.assembleFactoredAsync(model, cut);
  console.info('assembled to a budget');
  const { parameters, macs } = kind.countAssembled(small);
  numbers['assembled parameters and MACs'] = [parameters, macs];
  numbers['assembled learngenes'] = await valuesOf([small.params.learngenes]);
  numbers['samples of the assembled model'] = await sample(small, 'the assembled model');
  numbers['singular values of the dense owls'] = await denseSpectrum(model);

  const novel = kind.transferKind(model, { groups: NOVEL, generator: createGenerator(7), domain: 'near' });
  const { state, losses, norms } = await train(novel);
  Object.assign(numbers, { losses, 'gradient norms': norms });
  // Not the tailors themselves: where a gradient is as small as its rounding, AdamW makes a whole step of its sign.
  const moments = Object.values(state.optimizer.tailors).map(({ m }) => m);
  numbers['first moments of the fresh tailors'] = await valuesOf(moments);
  const files = await kind.decomposeKind({ config: novel.config, params: state.params });
  const reopened = await kind.openBundle(async (file) => files.get(file)!);
  numbers['samples of the trained model, from a bundle'] = await sample(reopened, 'the trained model');

  kind.disposeKindTraining(state);
  for (const { params } of [model, small, reopened]) disposeParams(params);
  numbers['tensors left'] = [tf.memory().numTensors - tensors];
  return numbers;
}

/** A plain DiT of one group, taken apart again: singular values of its main weights. */
async function denseSpectrum(model: kind.KindModel): Promise<number[]> {
  const { config, params } = kind.assembleDense(model, { group: 'owls' });
  const kindConfig = kind.kindConfig({
    dit: config,
    learngeneRank: 24,
    tailorRank: 2,
    groups: [{ name: 'owls', classes: [0] }],
  });
  const again = await kind.kindFromDenseAsync(params, kindConfig, { generator: createGenerator(5) });
  const values: number[] = [];
  for (const [name, leaf] of flattenParams(again.learngenes))
    if (name.endsWith('.s')) values.push(...(await leaf.data()));
  disposeParams(params);
  disposeParams(again);
  console.info('factored from a dense model');
  return values;
}

function mustRefuse(f: () => unknown, message: RegExp): void {
  let thrown: unknown;
  try {
    f();
  } catch (error) {
    thrown = error;
  }
  if (!message.test(String(thrown))) throw new Error(`expected an error with ${message}, got ${thrown}`);
}

/** A bundle's files by range requests. */
function fetchOver(bundle: string): kind.FetchPiece {
  return async (file) => {
    const source = await httpSource(`${bundle}/${file}`);
    return source.read(0, source.size);
  };
}

/** One tensor of a file, without the others. */
async function oneTensor(url: string, name: string): Promise<number[]> {
  const file = await openSafetensors(await httpSource(url));
  return Array.from((await file.read(name)).data as Float32Array);
}

/** Values of three DDIM steps: one sample of every class whose tailors are there, one without a class. */
async function sample({ config, params }: kind.KindModel, what: string): Promise<number[]> {
  const there = config.groups.filter(({ name }) => name in params.tailors);
  const labels = Int32Array.from([...there.flatMap(({ classes }) => classes), config.dit.classes]);
  const { inputSize, inChannels } = config.dit;
  const noise = drawNoise(createGenerator(3), [labels.length, inputSize, inputSize, inChannels]);
  const denoiser: Denoiser = (x, t) => kind.applyKind(params, { x, t, labels }, { config });
  const x = await sampleDdim(diffusion, denoiser, { noise, steps: STEPS, clip: false });
  const values = Array.from(await x.data());
  tf.dispose([x, noise]);
  console.info(`${what} is sampled`);
  return values;
}

/** Some steps of training the fresh tailors of a model, as transfer to novel classes does. */
async function train({ config, params }: kind.KindModel) {
  const g = createGenerator(11);
  let state = kind.initKindTraining(params, { trainable: 'tailors' });
  const losses: number[] = [];
  const norms: number[] = [];
  for (let step = 1; step <= STEPS; step++) {
    const labels = Int32Array.of(2, 0, 1, 0);
    const [x0, noise] = [1, 2].map(() => drawNoise(g, [labels.length, config.dit.inputSize, config.dit.inputSize, 3]));
    const t = randomIntegers(g, labels.length, { high: 1000 });
    const loss = (denoiser: Denoiser) =>
      tf.mean(trainingLosses(diffusion, denoiser, { x0, t, noise }).loss) as tf.Scalar;
    const next = kind.kindTrainStep(
      { state, config, labels, loss },
      { learningRate: 1e-3, trainable: 'tailors', clipNorm: 1, weightDecay: 0.01, emaDecay: 0.9 },
    );
    kind.disposeReplaced(state, next.state);
    state = next.state;
    losses.push((await next.loss.data())[0]);
    norms.push((await next.gradientNorm.data())[0]);
    tf.dispose([x0, noise, next.loss, next.gradientNorm]);
    console.info(`step ${step} of ${STEPS} is trained`);
  }
  return { state, losses, norms };
}

/** All numbers of one or more trees. */
async function valuesOf(trees: readonly object[]): Promise<number[]> {
  const leaves = trees.flatMap((tree) => [...flattenParams(tree as ParamTree).values()]);
  return (await Promise.all(leaves.map((leaf) => leaf.data()))).flatMap((values) => Array.from(values));
}

Object.assign(globalThis, { run });
