// Trains the autoencoder that packages/vae-emoji ships, on the emoji of npm (Noto and Twemoji, all skin tones, 64x64 on white)
// without the tenth of the characters that is held out. Run again, it goes on from the newest checkpoint. With --ship it writes
// weights and test images into the package; check-emoji-autoencoder.mjs measures those. Needs the packages built (`npm run build`).
// Usage: node scripts/train-emoji-autoencoder.mjs [--out runs/emoji-autoencoder] [--steps 8000] [--engine native] [--ship]
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { commandLine } from './command-line.mjs';
import { emojiImages, load, root } from './emoji-images.mjs';
import { progressLines } from './progress-lines.mjs';

const { values } = commandLine(import.meta.url, {
  out: { type: 'string', default: join(root, 'runs', 'emoji-autoencoder') },
  steps: { type: 'number', default: 8_000 },
  engine: { type: 'string', default: 'native' },
  ship: { type: 'boolean', default: false },
});

/** Settings that differ from the defaults of `learngene vae train`. */
const CONFIG = {
  seed: 0,
  model: {
    preset: 'shuffle',
    encoderWidths: [48, 72, 128],
    decoderWidths: [128, 72, 48],
    encoderBlocks: [1, 1, 1],
    decoderBlocks: [2, 2, 2],
  },
  augmentation: { flip: true, shift: 4, permuteChannels: 0.25 },
  training: { steps: values.steps, batchSize: 16, warmup: 200, checkpointEvery: 250 },
};

const shipped = join(root, 'packages', 'vae-emoji');
const trainer = await load('trainer', 'index');
const { prepareVaeTrainingOn, resumeVaeTraining, trainVae } = await load('trainer', 'node');
const { packDataset, subset } = await load('datasets', 'index');
const { chooseEngine } = await load('engines', 'node');
const { writeSafetensors } = await load('tensor-io', 'node');

/** Test images that lie in the repository: some held-out ones of both styles, spread evenly. */
const FIXTURE_IMAGES = 12;

async function ship(folder, { heldOut }) {
  for (const name of ['weights', 'fixtures']) mkdirSync(join(shipped, name), { recursive: true });
  for (const file of ['config.json', 'model.safetensors'])
    copyFileSync(join(folder, file), join(shipped, 'weights', file));
  const places = Array.from({ length: FIXTURE_IMAGES }, (_, i) => Math.floor((i * heldOut.size) / FIXTURE_IMAGES));
  const images = await packDataset(subset(heldOut, places));
  await writeSafetensors(join(shipped, 'fixtures', 'held-out.safetensors'), images);
}

const { name, detail } = await chooseEngine(values.engine);
console.log(`Engine: ${name} (${detail})`);
const images = await emojiImages();
console.log(`${images.train.size} images to train on, ${images.heldOut.size} held out`);
const controller = new AbortController();
process.once('SIGINT', () => controller.abort(new trainer.InterruptedError('interrupted')));
process.once('SIGTERM', () => controller.abort(new trainer.InterruptedError('interrupted', { signal: 'SIGTERM' })));
const resumed = existsSync(join(values.out, 'config.json'));
const prepared = resumed
  ? await resumeVaeTraining(values.out, { own: images, progress: progressLines() })
  : prepareVaeTrainingOn(trainer.parseVaeTrainingConfig(CONFIG, 'settings'), images);
try {
  const outcome = await trainVae(prepared, {
    run: values.out,
    engine: name,
    progress: progressLines(),
    signal: controller.signal,
  });
  console.log(JSON.stringify(outcome, null, 2));
  if (values.ship) await ship(outcome.folder, images);
} catch (error) {
  if (!(error instanceof trainer.InterruptedError)) throw error;
  console.error(`${error.message}; run this again to go on`);
  process.exitCode = 130;
}
