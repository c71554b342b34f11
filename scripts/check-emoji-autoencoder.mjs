// Measures the weights that packages/vae-emoji ships, through the loader of the package: the mean squared error of all held-out
// emoji after encoding (the posterior's mean) and decoding, 64x64 on white, pixels in [0, 1]; by style, by category, and without
// the pictures that a trained character shares. Needs the packages built (`npm run build`); fails above --most.
// Usage: node scripts/check-emoji-autoencoder.mjs [--engine native] [--most 0.0018]
import { createHash } from 'node:crypto';
import { commandLine } from './command-line.mjs';
import { emojiByStyle, load } from './emoji-images.mjs';

const { values } = commandLine(import.meta.url, {
  engine: { type: 'string', default: 'native' },
  most: { type: 'string', default: '0.0018' },
});
const most = Number(values.most);
if (!(most > 0)) throw new Error(`--most: expected a number above 0, got ${values.most}`);

const { chooseEngine } = await load('engines', 'node');
const { readInOrder } = await load('datasets', 'index');
const { readEmojiVae } = await load('vae-emoji', 'node');
const tf = await import('@tensorflow/tfjs-core');

/** The mean squared error of every image; what is decoded is cut off at black and white. */
async function squaredErrors({ autoencoder }, images) {
  const errors = [];
  for await (const { images: bytes, labels } of readInOrder(images, { batchSize: 32 })) {
    const each = tf.tidy(() => {
      const shape = [labels.length, images.height, images.width, images.channels];
      const x = tf.sub(tf.div(tf.tensor4d(bytes, shape, 'float32'), 127.5), 1);
      const rebuilt = tf.clipByValue(autoencoder.decode(autoencoder.encode(x).mean), -1, 1);
      return tf.mean(tf.square(tf.div(tf.sub(rebuilt, x), 2)), [1, 2, 3]);
    });
    errors.push(...(await each.data()));
    each.dispose();
  }
  return errors;
}

function mirrored(image, { height, width, channels }) {
  const flipped = new Uint8Array(image.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < channels; c++)
        flipped[(y * width + x) * channels + c] = image[(y * width + width - 1 - x) * channels + c];
  return flipped;
}

const hashOf = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** The hashes of all images, and of all mirrored. */
async function hashes(images) {
  const plain = [];
  const flipped = [];
  for (let i = 0; i < images.size; i++) {
    const image = await images.read([i]);
    plain.push(hashOf(image));
    flipped.push(hashOf(mirrored(image, images)));
  }
  return { plain, flipped };
}

const mean = (numbers) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
const row = (what, numbers) => console.log(`${what}: ${mean(numbers).toFixed(5)} over ${numbers.length} images`);

const { name, detail } = await chooseEngine(values.engine);
console.log(`Engine: ${name} (${detail})`);
const vae = await readEmojiVae();
console.log(`@learngene/vae-emoji, hash ${vae.hash}`);

const trained = new Set();
const measured = [];
const byStyle = await emojiByStyle({ classBy: 'category' });
for (const { train } of Object.values(byStyle)) for (const hash of (await hashes(train)).plain) trained.add(hash);
for (const [style, { heldOut }] of Object.entries(byStyle)) {
  const errors = await squaredErrors(vae, heldOut);
  const { plain, flipped } = await hashes(heldOut);
  for (const [i, error] of errors.entries()) {
    const shared = trained.has(plain[i]) ? 'same' : trained.has(flipped[i]) ? 'mirrored' : '';
    measured.push({ style, category: heldOut.classes[heldOut.labels[i]], error, shared });
  }
}

const errorsOf = (field, value) => measured.filter((each) => each[field] === value).map(({ error }) => error);
const all = measured.map(({ error }) => error);
row('Mean squared error', all);
for (const field of ['style', 'category']) {
  for (const value of [...new Set(measured.map((each) => each[field]))].sort())
    row(`  ${value}`, errorsOf(field, value));
}
const count = (shared) => errorsOf('shared', shared).length;
console.log(`Pictures of a trained character too: ${count('same')}, and ${count('mirrored')} mirrored`);
row('Without these', errorsOf('shared', ''));
const sorted = all.toSorted((a, b) => a - b);
console.log(`Median ${sorted[sorted.length >> 1].toFixed(5)}, largest ${sorted[sorted.length - 1].toFixed(5)}`);
vae.autoencoder.dispose();
if (mean(all) > most) {
  console.error(`expected at most ${most}`);
  process.exitCode = 1;
}
