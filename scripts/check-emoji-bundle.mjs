// Measures the bundle that packages/emoji-bundle ships against emoji that were held out of its training, as `learngene demo` does:
// a small classifier is trained on the training images, and samples are compared with the held-out images in its features. Writes
// the report of the package. Needs the run of train-emoji-bundle.mjs, and the packages built (`npm run build`).
// Usage: node scripts/check-emoji-bundle.mjs [--out runs/emoji-bundle] [--engine native] [--samples 16] [--steps 800]
import { statSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { commandLine } from './command-line.mjs';
import { load, root } from './emoji-images.mjs';
import { progressLines } from './progress-lines.mjs';

const { values } = commandLine(import.meta.url, {
  out: { type: 'string', default: join(root, 'runs', 'emoji-bundle') },
  engine: { type: 'string', default: 'native' },
  samples: { type: 'number', default: 16, minimum: 2 },
  steps: { type: 'number', default: 800 },
});

/** Pictures in a row of the report. */
const COLUMNS = 6;

const { chooseEngine } = await load('engines', 'node');
const { classCounts } = await load('datasets', 'index');
const { readRunRecord } = await load('pipeline', 'node');
const { imageGrid, reportPage, takePerClass } = await load('report', 'index');
const sharp = createRequire(join(root, 'packages', 'report', 'package.json'))('sharp');
const { decodeData, openData, partOf, score, curveSections, sizeSection, spectrumSections, trainExtractor } =
  await load('trainer', 'node');
const { openEmojiPipeline, emojiBundleFolder } = await load('emoji-bundle', 'node');

const { name: engine, detail } = await chooseEngine(values.engine);
console.log(`Engine: ${engine} (${detail})`);
const progress = progressLines();
const run = join(values.out, 'run');
const { config } = await readRunRecord(run);
const data = { ...config.data, path: join(values.out, 'images') };
const { dataset } = await openData(data, progress);
const decoded = await decodeData(dataset, data, progress);
const { train, heldOut } = partOf(decoded, dataset.classes, config);

const pipeline = await openEmojiPipeline();
const { classNames } = pipeline;
console.log(`Drawing ${values.samples} pictures of each of ${classNames.length} classes`);
const images = await pipeline.sample({ count: values.samples });
const classes = Int32Array.from({ length: images.count }, (_, i) =>
  train.classes.indexOf(classNames[Math.floor(i / values.samples)]),
);
const path = join(values.out, `classifier-${values.steps}.safetensors`);
const { seed } = config;
const { extractor, dispose } = await trainExtractor({ train, heldOut, steps: values.steps, seed, path, progress });
const { nearest, ...scores } = await score(extractor, { images, classes, train, heldOut, seed });
dispose();
console.log(JSON.stringify(scores, null, 2));

/** A grid in 256 colours, a third of the size: the report is a part of the package. */
function palettePng(shown) {
  const { data: pixels, width, height } = imageGrid(shown, COLUMNS);
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .png({ palette: true, compressionLevel: 9 })
    .toBuffer();
}

const grid = async (title, shown, note) => ({
  kind: 'image',
  title,
  png: await palettePng(takePerClass(shown, values.samples, COLUMNS)),
  rowNames: classNames,
  note,
});
const percent = (share) => `${(100 * share).toFixed(0)} %`;
const counts = [...classCounts(train)];
const files = (await readdir(emojiBundleFolder(), { recursive: true })).filter((file) => /\.\w+$/.test(file)).sort();
const sizes = new Map(files.map((file) => [file, statSync(join(emojiBundleFolder(), file)).size]));
const sum = (names) => names.reduce((total, file) => total + sizes.get(file), 0);
const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
const tailors = files.filter((file) => file.startsWith('tailors'));
const near = { data: await train.read(nearest), count: nearest.length, height: 64, width: 64, channels: 3 };
const shared = files.filter((file) => !file.startsWith('tailors'));
const sections = [
  {
    kind: 'text',
    text: `A Diffusion Transformer learned ${classNames.length} classes of emoji, 64x64 pixels, in latents of the autoencoder emoji: ${train.size} images of Noto Emoji and Twemoji, ${Math.min(...counts)} to ${Math.max(...counts)} of a class, all classes drawn equally often. ${heldOut.size} more were held out. It was taken apart into learngenes, which all classes share, and tailors of each class.`,
  },
  await grid('Samples', images, 'Of the weights of the package, in float16, with the settings of its recipe.'),
  await grid(
    'The training image nearest to each sample',
    near,
    'In the place of its sample; nearest in the features of the classifier. Small classes are partly remembered: a sample may be a training image almost as it is.',
  ),
  {
    kind: 'table',
    title: 'Scores',
    note: 'By the features of a small classifier that was trained on the training images; compared with held-out images. Every class has the same weight. Of the held-out images themselves half are nearer to a training image than the median of their class; a share far above that says how much is remembered. The held-out images are other skin tones, styles or characters, and many of them have near relatives among the training images.',
    header: ['', 'samples', 'training images', 'noise'],
    rows: [
      ['FID', ...[scores.fid, scores.trainFid, scores.noiseFid].map((value) => value.toFixed(1))],
      ['KID, mean over the classes', ...[scores.kid, scores.trainKid, scores.noiseKid].map((x) => x.toPrecision(3))],
      ['taken for their class', percent(scores.classAccuracy), '', ''],
      ['held-out images taken for theirs', percent(scores.realAccuracy), '', ''],
      ['nearer to a training image than the median held-out image', percent(scores.nearTraining), '', ''],
    ],
  },
  ...(await curveSections(run)),
  ...(await spectrumSections(pipeline.model)),
  sizeSection(pipeline.model.config),
  {
    kind: 'table',
    title: 'The bundle',
    header: ['files', 'size'],
    rows: [
      ...shared.map((file) => [file, kib(sizes.get(file))]),
      [`${tailors.length} files of tailors`, kib(sum(tailors))],
      ['all', kib(sum(files))],
      ['what one class needs', kib(sum([...shared, tailors[0]]))],
    ],
  },
];
const { steps } = config.training;
const subtitle = `engine ${engine}, seed ${seed}, in latents of emoji, ${steps} steps`;
const report = join(root, 'packages', 'emoji-bundle', 'report.html');
await writeFile(report, reportPage('KIND on 46 classes of emoji', subtitle, sections));
console.log(report);
pipeline.dispose();
