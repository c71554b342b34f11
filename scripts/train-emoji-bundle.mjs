// Trains the model that packages/emoji-bundle ships: KIND on the 46 classes of emoji-classes.mjs, Noto and Twemoji with all skin
// tones, 64x64 on white, in the latents of packages/vae-emoji. It writes the images into a folder of its own first, one folder a
// class. Run again, it goes on from the newest checkpoint. It says how long it will take: on two cores without other work about
// 8 minutes. With --ship it writes the bundle into the package. Needs the packages built (`npm run build`).
// Usage: node scripts/train-emoji-bundle.mjs [--out runs/emoji-bundle] [--steps 5100] [--engine native] [--ship]
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { commandLine } from './command-line.mjs';
import { emojiClasses } from './emoji-classes.mjs';
import { load, root, STYLES } from './emoji-images.mjs';
import { progressLines } from './progress-lines.mjs';

const { values } = commandLine(import.meta.url, {
  out: { type: 'string', default: join(root, 'runs', 'emoji-bundle') },
  steps: { type: 'number' },
  engine: { type: 'string', default: 'native' },
  ship: { type: 'boolean', default: false },
});

/** Nothing is mirrored, as clocks, digits and arrows are among the classes. */
const configOf = (path) => ({
  seed: 0,
  data: { source: 'folder', path, size: 64, holdOut: 0.15, flip: false },
  autoencoder: { name: 'emoji' },
  diffusion: { process: 'flow' },
  model: { patchSize: 2, hiddenSize: 192, depth: 4, heads: 6, learngeneRank: 64, tailorRank: 8 },
  training: {
    steps: values.steps ?? 5_100,
    batchSize: 48,
    learningRate: 1.5e-3,
    warmup: 200,
    decay: 'cosine',
    emaDecay: 0.999,
    checkpointEvery: 500,
    logEvery: 50,
    sampleEvery: 2000,
  },
  sampling: { sampler: 'euler', steps: 30, guidance: 1.5 },
});

/** Copies the images of all classes into a folder, a folder a class; all of them or none. */
function writeImages(folder) {
  if (existsSync(folder)) return;
  const { resolve } = createRequire(join(root, 'packages', 'vae-emoji', 'package.json'));
  const temporary = `${folder}.tmp`;
  rmSync(temporary, { recursive: true, force: true });
  for (const style of STYLES) {
    const source = dirname(resolve(`emoji-datasource-${style}/emoji.json`));
    const list = JSON.parse(readFileSync(join(source, 'emoji.json'), 'utf8'));
    for (const [name, entries] of emojiClasses(list)) {
      mkdirSync(join(temporary, name), { recursive: true });
      for (const entry of entries) {
        for (const drawn of [entry, ...Object.values(entry.skin_variations ?? {})]) {
          if (!drawn[`has_img_${style}`]) continue;
          const from = join(source, 'img', style, '64', drawn.image);
          copyFileSync(from, join(temporary, name, `${style}-${drawn.image}`));
        }
      }
    }
  }
  renameSync(temporary, folder);
}

const { bundleMetadata, parseConfig } = await load('pipeline', 'index');
const { loadModel, openPipeline } = await load('pipeline', 'node');
const { writeSafetensors } = await load('tensor-io', 'node');
const { saveBundle } = await load('kind', 'node');
const { orthogonalizeFactored } = await load('tensor-svd', 'index');
const trainer = await load('trainer', 'index');
const { preparePretraining, pretrain, resumePretraining } = await load('trainer', 'node');
const { chooseEngine } = await load('engines', 'node');

const shipped = join(root, 'packages', 'emoji-bundle');

/** What the tests of the package draw, and with what. */
const FIXTURE = { classes: ['heart', 'clock'], seed: 1, steps: 8 };

/**
 * Learngene components of each weight that are shipped: with the shared part, one class and the decoder they stay below 6 MB. They
 * are the best of the 64 that were trained, by SVD.
 */
const SHIPPED_RANK = 60;

/** A model whose learngenes are cut to fewer components. */
function cut({ config, params }, learngeneRank) {
  const each = (layers, f) => Object.fromEntries(Object.entries(layers).map(([name, layer]) => [name, f(layer)]));
  const shorter = (layer) => ({ ...layer, ...orthogonalizeFactored(layer, { rank: learngeneRank }) });
  const blocks = each(params.learngenes.blocks, (block) => each(block, (layers) => each(layers, shorter)));
  return { config: { ...config, learngeneRank }, params: { ...params, learngenes: { ...params.learngenes, blocks } } };
}

/** Writes the averaged weights of a run into the package, without the place where the images lay here, and what they draw. */
async function ship(run) {
  const { model, config } = await loadModel(run);
  const { path: _, ...data } = config.data;
  const recipe = {
    ...config,
    data,
    model: { ...config.model, learngeneRank: SHIPPED_RANK },
    sampling: { ...config.sampling, guidance: 2 }, // clearer outlines than with the 1.5 of the samples on the way
  };
  await saveBundle(join(shipped, 'bundle'), cut(model, SHIPPED_RANK), {
    metadata: bundleMetadata(recipe),
    dtype: 'float16',
    replace: true,
  });
  const pipeline = await openPipeline(join(shipped, 'bundle'), { classes: FIXTURE.classes });
  const { data: pixels, count, height, width, channels } = await pipeline.sample(FIXTURE);
  pipeline.dispose();
  mkdirSync(join(shipped, 'fixtures'), { recursive: true });
  const tensors = new Map([['images', { dtype: 'U8', shape: [count, height, width, channels], data: pixels }]]);
  const metadata = Object.fromEntries(Object.entries(FIXTURE).map(([key, value]) => [key, JSON.stringify(value)]));
  await writeSafetensors(join(shipped, 'fixtures', 'drawn.safetensors'), tensors, { metadata });
}

const images = join(values.out, 'images');
const run = join(values.out, 'run');
mkdirSync(values.out, { recursive: true });
writeImages(images);
const { name, detail } = await chooseEngine(values.engine);
console.log(`Engine: ${name} (${detail})`);
const progress = progressLines();
const controller = new AbortController();
process.once('SIGINT', () => controller.abort(new trainer.InterruptedError('interrupted')));
process.once('SIGTERM', () => controller.abort(new trainer.InterruptedError('interrupted', { signal: 'SIGTERM' })));
const prepared = existsSync(join(run, 'config.json'))
  ? await resumePretraining(run, {
      progress,
      ...(values.steps && { requested: { training: { steps: values.steps } } }),
    })
  : await preparePretraining(parseConfig(configOf(images), 'settings'), { kind: 'kind', progress });
try {
  const { steps, last, report } = await pretrain(prepared, { run, engine: name, progress, signal: controller.signal });
  console.log(JSON.stringify({ steps, loss: last?.loss, report }));
  if (values.ship) await ship(run);
} catch (error) {
  if (!(error instanceof trainer.InterruptedError)) throw error;
  console.error(`${error.message}; run this again to go on`);
  process.exitCode = 130;
}
