import { join } from 'node:path';
import { classCounts, type ImageDataset } from '@learngene/datasets';
import type { countAssembled, KindModel } from '@learngene/kind';
import type { Config } from '@learngene/pipeline';
import { counted } from '@learngene/pipeline';
import type { BundleFile } from '@learngene/pipeline/node';
import { type Images, reportPage, type Section, takePerClass } from '@learngene/report';
import { gridPng } from '@learngene/report/node';
import { writeFileAtomic } from '@learngene/tensor-io/node';
import type { DataPart } from '../data/decode-data';
import { firstImages } from '../data/first-images';
import { sizeSection, spectrumSections } from '../reports/model-sections';
import { curveSections } from '../reports/run-report';
import { GRID_COLUMNS, progressSection } from '../reports/sample-progress';
import { writeGrid } from '../run-folder/write-grid';
import { type BothParts, COLUMNS, type Drawn } from './draw';
import type { DemoPlan } from './plan';
import type { Score } from './score';

/** The demo's images: of all classes, of those that are learned first, and of the novel ones. */
export interface DemoParts {
  all: DataPart;
  base: DataPart;
  novel: DataPart;
}

/** The images that are trained on, and the same in the size in which they are scored and shown. */
export interface DemoData extends DemoParts {
  scored: DemoParts;
}

/** The files of the demo's bundle, and what one class and all of it count. */
export interface BundleSizes {
  files: readonly BundleFile[];
  one: ReturnType<typeof countAssembled>;
  all: ReturnType<typeof countAssembled>;
}

/** What the report of a demo shows. */
export interface DemoReportInput {
  plan: DemoPlan;
  config: Config;
  data: DemoData;
  drawn: Drawn;
  scores: BothParts<Score>;
  model: KindModel;
  bundle: BundleSizes;
  out: string;
  engine: string;
  seconds: Record<string, number>;
}

/**
 * Writes `report.html` and the grids of samples.
 *
 * @returns the path of the report
 */
export async function writeDemoReport(input: DemoReportInput): Promise<string> {
  const { plan, config, data, drawn, out, engine } = input;
  const shown = {
    base: takePerClass(drawn.samples.base, plan.samplesPerClass, COLUMNS),
    novel: takePerClass(drawn.samples.novel, plan.samplesPerClass, COLUMNS),
  };
  await writeGrid(join(out, 'pretraining-samples.png'), shown.base, COLUMNS);
  await writeGrid(join(out, 'novel-samples.png'), shown.novel, COLUMNS);
  const sections: Section[] = [
    { kind: 'text', text: introduction(input) },
    await gridSection('Samples of the pre-training classes', shown.base, plan.pretraining),
    await nearestSection('base', input),
    await gridSection('Samples of the novel classes', shown.novel, plan.novel),
    await nearestSection('novel', input),
    scoreTable(input.scores),
    ...(await stageSections(input)),
    ...(await realSections(input)),
    ...(await curveSections(join(out, 'pretrain'))),
    ...(await spectrumSections(input.model)),
    sizeSection(input.model.config),
    bundleTable(input.bundle),
    {
      kind: 'table',
      title: 'Where the time went',
      header: ['stage', 'seconds'],
      rows: Object.entries(input.seconds).map(([name, value]) => [name, value.toFixed(1)]),
    },
  ];
  const path = join(out, 'report.html');
  const subtitle = `engine ${engine}, seed ${config.seed}, in ${placeOf(config)}, ${counted(config.training.steps, 'step')}`;
  await writeFileAtomic(path, reportPage(`KIND on ${data.all.train.name}`, subtitle, sections));
  return path;
}

const placeOf = ({ autoencoder }: Config) => (autoencoder === undefined ? 'pixels' : `latents of ${autoencoder.name}`);

const number = (value: number) => value.toLocaleString('en-US');

function introduction({ plan, config, data, engine }: DemoReportInput): string {
  const { height } = data.all.train;
  return [
    `A Diffusion Transformer learned ${counted(plan.pretraining.length, 'class', 'classes')} (${config.data.source}, ${height}x${height} pixels, in ${placeOf(config)}). It was taken apart into learngenes, which all classes share, and tailors of each class. Then it learned ${plan.novel.join(' and ')}, which it had never seen: the learngenes stayed as they were, and only fresh tailors were trained.`,
    `The pre-training took ${counted(config.training.steps, 'step')}, the transfer ${number(plan.transferSteps)}, on the engine ${engine}. The usual number of steps depends on the engine alone, so that the demo can be repeated: as many as fit into three minutes of two cores on native, fewer on WebAssembly and other slow engines.`,
  ].join('\n\n');
}

async function gridSection(
  title: string,
  images: Images,
  rowNames: readonly string[],
  note?: string,
): Promise<Section> {
  return { kind: 'image', title, png: await gridPng(images, COLUMNS), rowNames, ...(note && { note }) };
}

/** The nearest training image of every sample that is shown, in the places of the samples. */
async function nearestSection(part: 'base' | 'novel', { plan, data, scores }: DemoReportInput): Promise<Section> {
  const { nearest } = scores[part];
  const { train } = data.scored[part];
  const { height, width, channels } = train;
  const images = { data: await train.read(nearest), count: nearest.length, height, width, channels };
  const shown = takePerClass(images, plan.samplesPerClass, COLUMNS);
  const [words, classes] = part === 'base' ? ['pre-training', plan.pretraining] : ['novel', plan.novel];
  const note = `In the place of its sample; nearest in the features of the classifier. ${sizesOf(train)}: small classes are partly remembered, and a sample may be a training image almost as it is.`;
  return gridSection(`The training image nearest to each sample, ${words} classes`, shown, classes, note);
}

/** How many images the classes have, in words. */
function sizesOf(train: ImageDataset): string {
  const counts = [...classCounts(train)].sort((a, b) => a - b);
  const [least, most] = [counts[0], counts[counts.length - 1]];
  return least === most ? `A class has ${least} training images` : `Classes have ${least} to ${most} training images`;
}

/** How the samples of both trainings came along, beside real pictures. */
async function stageSections({ out, plan, data }: DemoReportInput): Promise<Section[]> {
  const { height, width } = data.all.train;
  const of = (run: string, names: readonly string[], title: string) =>
    progressSection(join(out, run), { width, height, columns: GRID_COLUMNS, names }, title);
  return [
    ...(await of('pretrain', plan.pretraining, 'How the samples came along in the pre-training')),
    ...(await of('transfer', plan.novel, 'How the samples came along in the transfer')),
  ];
}

/** Real images, and what the autoencoder makes of them. */
async function realSections({ plan, data, drawn }: DemoReportInput): Promise<Section[]> {
  const parts = [
    ['pre-training', plan.pretraining, data.scored.base.train, drawn.rebuilt?.base],
    ['novel', plan.novel, data.scored.novel.train, drawn.rebuilt?.novel],
  ] as const;
  const sections = parts.map(async ([words, classes, train, rebuilt]) => {
    const real = await firstImages(train, COLUMNS);
    const title = `Real images of the ${words} classes`;
    const own = await gridSection(title, real, classes);
    if (rebuilt === undefined) return [own];
    const note = 'Encoded and decoded again: no sample can be sharper than these.';
    return [own, await gridSection(`${title}, through the autoencoder`, rebuilt, classes, note)];
  });
  return (await Promise.all(sections)).flat();
}

const percent = (share: number) => `${(100 * share).toFixed(0)} %`;

/** Three digits; a dash where a class had too few images. */
const distance = (value: number) => (Number.isNaN(value) ? '-' : number(Number(value.toPrecision(3))));

function pairOf({ precision, recall }: Pick<Score, 'precision' | 'recall'> = {}): string {
  return precision === undefined || recall === undefined ? '-' : `${precision.toFixed(2)}, ${recall.toFixed(2)}`;
}

/** What makes figures of a part say little, in sentences. */
function cautions({ base, novel }: DemoReportInput['scores']): string {
  const of = (part: string, { warnings }: Score) => warnings.map((text) => `Of the ${part} classes, ${text}.`);
  return [...of('pre-training', base), ...of('novel', novel)].map((text) => ` ${text}`).join('');
}

/** The rows of the table of scores. */
const MEASURES: readonly (readonly [name: string, of: (score: Score) => string])[] = [
  ['samples, and held-out images', ({ samples, reals }) => `${samples}, ${reals}`],
  ['FID of the samples', ({ fid }) => fid.toFixed(1)],
  ['FID of the training images', ({ trainFid }) => trainFid.toFixed(1)],
  ['FID of noise', ({ noiseFid }) => noiseFid.toFixed(1)],
  ['KID of the samples', ({ kid }) => distance(kid)],
  ['KID of the training images', ({ trainKid }) => distance(trainKid)],
  ['KID of noise', ({ noiseKid }) => distance(noiseKid)],
  ['precision, recall', pairOf],
  ['precision, recall of the training images', ({ precisionMarks }) => pairOf(precisionMarks?.training)],
  ['precision, recall of noise', ({ precisionMarks }) => pairOf(precisionMarks?.noise)],
  ['samples that the classifier takes for their class', ({ classAccuracy }) => percent(classAccuracy)],
  ['held-out images that it takes for theirs', ({ realAccuracy }) => percent(realAccuracy)],
  ['samples nearer to a training image than the median held-out image', ({ nearTraining }) => percent(nearTraining)],
];

function scoreTable({ base, novel }: DemoReportInput['scores']): Section {
  return {
    kind: 'table',
    title: 'Scores',
    note: 'By the features of a small classifier that was trained on the real training images; samples are compared with held-out images, which nothing was trained on. Every class has the same weight. Distances of so few images are rough: the FID of the training images says what is as good as real, that of noise what is nothing. The kernel distance (KID) is computed in each class and averaged; of images like the held-out ones it is 0 on average, however few they are. Of the held-out images themselves half are nearer to a training image than the median of their class; a share far above that says how much is remembered.'.concat(
      cautions({ base, novel }),
    ),
    header: ['', 'pre-training classes', 'novel classes'],
    rows: MEASURES.map(([name, of]) => [name, of(base), of(novel)]),
  };
}

function bundleTable({ files, one, all }: BundleSizes): Section {
  return {
    kind: 'table',
    title: 'The bundle',
    note: `One class of it: ${number(one.parameters)} of ${counted(all.parameters, 'parameter')}.`,
    header: ['file', 'bytes'],
    rows: files.map(({ file, bytes }) => [file, number(bytes)]),
  };
}
