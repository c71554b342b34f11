import { join } from 'node:path';
import type { countAssembled, KindModel } from '@learngene/kind';
import type { Config } from '@learngene/pipeline';
import type { BundleFile } from '@learngene/pipeline/node';
import { type Images, reportPage, type Section, takePerClass } from '@learngene/report';
import { gridPng } from '@learngene/report/node';
import { writeFileAtomic } from '@learngene/tensor-io/node';
import type { DataPart } from '../data/decode-data';
import { firstImages } from '../data/first-images';
import { curveSections, sizeSection, spectrumSection } from '../run-folder/report';
import { writeGrid } from '../run-folder/write-grid';
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
  samples: { base: Images; novel: Images };
  scores: { base: Score; novel: Score };
  model: KindModel;
  bundle: BundleSizes;
  out: string;
  engine: string;
  seconds: Record<string, number>;
}

/** Images in a row of a grid. */
const COLUMNS = 8;

/**
 * Writes `report.html` and the grids of samples.
 *
 * @returns the path of the report
 */
export async function writeDemoReport(input: DemoReportInput): Promise<string> {
  const { plan, config, data, samples, out, engine } = input;
  const shown = {
    base: takePerClass(samples.base, plan.samplesPerClass, COLUMNS),
    novel: takePerClass(samples.novel, plan.samplesPerClass, COLUMNS),
  };
  await writeGrid(join(out, 'pretraining-samples.png'), shown.base, COLUMNS);
  await writeGrid(join(out, 'novel-samples.png'), shown.novel, COLUMNS);
  const sections: Section[] = [
    {
      kind: 'text',
      text: `A KIND Diffusion Transformer was pre-trained on ${plan.pretraining.length} classes (${config.data.source}), taken apart into learngenes and tailors, and taught ${plan.novel.join(' and ')} with frozen learngenes.`,
    },
    await gridSection('Samples of the pre-training classes', shown.base, plan.pretraining),
    await gridSection('Samples of the novel classes', shown.novel, plan.novel),
    ...(await nearestSections(input)),
    await gridSection(
      'Real images of the pre-training classes',
      await firstImages(data.scored.base.train, COLUMNS),
      plan.pretraining,
    ),
    await gridSection(
      'Real images of the novel classes',
      await firstImages(data.scored.novel.train, COLUMNS),
      plan.novel,
    ),
    scoreTable([
      ['pre-training classes', input.scores.base],
      ['novel classes', input.scores.novel],
    ]),
    ...(await curveSections(join(out, 'pretrain'))),
    ...(await spectrumSection(input.model)),
    sizeSection(input.model),
    bundleTable(input.bundle),
    {
      kind: 'table',
      title: 'Where the time went',
      header: ['stage', 'seconds'],
      rows: Object.entries(input.seconds).map(([name, value]) => [name, value.toFixed(1)]),
    },
  ];
  const path = join(out, 'report.html');
  const where = config.autoencoder === undefined ? 'pixels' : `latents of ${config.autoencoder.name}`;
  const subtitle = `engine ${engine}, seed ${config.seed}, in ${where}, ${config.training.steps} steps`;
  await writeFileAtomic(path, reportPage(`KIND on ${data.all.train.name}`, subtitle, sections));
  return path;
}

async function gridSection(
  title: string,
  images: Images,
  rowNames: readonly string[],
  note?: string,
): Promise<Section> {
  return { kind: 'image', title, png: await gridPng(images, COLUMNS), rowNames, ...(note && { note }) };
}

const REMEMBERED =
  'In the place of its sample; nearest in the features of the classifier. Classes are small (13 to 31 images, but for flags), so that they are partly remembered: a sample may be a training image almost as it is.';

const percent = (share: number) => `${(100 * share).toFixed(0)} %`;

/** The nearest training image of every sample that is shown, in the places of the samples. */
async function nearestSections({ plan, data, scores }: DemoReportInput): Promise<Section[]> {
  const parts = [
    ['pre-training', scores.base, data.scored.base, plan.pretraining],
    ['novel', scores.novel, data.scored.novel, plan.novel],
  ] as const;
  return Promise.all(
    parts.map(async ([what, { nearest }, { train }, classes]): Promise<Section> => {
      const { height, width, channels } = train;
      const images = { data: await train.read(nearest), count: nearest.length, height, width, channels };
      const shown = takePerClass(images, plan.samplesPerClass, COLUMNS);
      return gridSection(`The training image nearest to each sample, ${what} classes`, shown, classes, REMEMBERED);
    }),
  );
}

function scoreTable(rows: readonly (readonly [string, Score])[]): Section {
  return {
    kind: 'table',
    title: 'Scores',
    note: 'Features of a small classifier trained on the real training images; references are real images that nothing was trained on. Distances of so few images are rough: compare with noise, and with the training images themselves. "Nearer to training" is the share of samples that lie nearer to a training image than the median real does; of the reals it is 50 %.',
    header: [
      'samples of',
      'samples',
      'reals',
      'FID',
      'FID of training images',
      'FID of noise',
      'precision',
      'recall',
      'taken for their class',
      'reals taken for theirs',
      'nearer to training',
    ],
    rows: rows.map(([name, s]) => [
      name,
      String(s.samples),
      String(s.reals),
      s.fid.toFixed(2),
      s.trainFid.toFixed(2),
      s.noiseFid.toFixed(2),
      s.precision.toFixed(2),
      s.recall.toFixed(2),
      percent(s.classAccuracy),
      percent(s.realAccuracy),
      percent(s.nearTraining),
    ]),
  };
}

function bundleTable({ files, one, all }: BundleSizes): Section {
  const count = (value: number) => value.toLocaleString('en-US');
  return {
    kind: 'table',
    title: 'The bundle',
    note: `One class of it: ${count(one.parameters)} of ${count(all.parameters)} parameters.`,
    header: ['file', 'bytes'],
    rows: files.map(({ file, bytes }) => [file, count(bytes)]),
  };
}
