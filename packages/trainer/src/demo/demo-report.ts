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
export interface DemoData {
  all: DataPart;
  base: DataPart;
  novel: DataPart;
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
    await gridSection(
      'Real images of the pre-training classes',
      await firstImages(data.base.train, COLUMNS),
      plan.pretraining,
    ),
    await gridSection('Real images of the novel classes', await firstImages(data.novel.train, COLUMNS), plan.novel),
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
  const subtitle = `engine ${engine}, seed ${config.seed}`;
  await writeFileAtomic(path, reportPage(`KIND on ${data.all.train.name}`, subtitle, sections));
  return path;
}

async function gridSection(title: string, images: Images, rowNames: readonly string[]): Promise<Section> {
  return { kind: 'image', title, png: await gridPng(images, COLUMNS), rowNames };
}

function scoreTable(rows: readonly (readonly [string, Score])[]): Section {
  return {
    kind: 'table',
    title: 'Scores',
    note: 'Features of a small classifier trained on the real training images; references are real images that nothing was trained on. Distances of so few images are rough: compare with noise.',
    header: ['samples of', 'samples', 'reals', 'FID', 'FID of noise', 'precision', 'recall', 'taken for their class'],
    rows: rows.map(([name, s]) => [
      name,
      String(s.samples),
      String(s.reals),
      s.fid.toFixed(2),
      s.noiseFid.toFixed(2),
      s.precision.toFixed(2),
      s.recall.toFixed(2),
      `${(100 * s.classAccuracy).toFixed(0)} %`,
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
