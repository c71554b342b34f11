import { join } from 'node:path';
import type { ImageDataset } from '@learngene/datasets';
import { assembleFactored, countAssembled, initKindTraining, type KindModel } from '@learngene/kind';
import { saveBundle } from '@learngene/kind/node';
import type { Config } from '@learngene/pipeline';
import { bundleMetadata, createDiffusionProcess, mergeConfig, parseConfig, sampleClasses } from '@learngene/pipeline';
import { isRunFolder, type KindRunRecord, runFormat } from '@learngene/pipeline/node';
import type { Images } from '@learngene/report';
import { reportPage, type Section, takePerClass } from '@learngene/report';
import { gridPng } from '@learngene/report/node';
import { writeFileAtomic } from '@learngene/tensor-io/node';
import { modelConfig } from '@learngene/trainer';
import {
  chooseClasses,
  createRunFolder,
  curveSections,
  decodeData,
  gridLabels,
  openData,
  partOf,
  runTraining,
  sizeSection,
  spectrumSection,
  trainExtractor,
  versions,
  writeGrid,
} from '@learngene/trainer/node';
import * as tf from '@tensorflow/tfjs-core';
import { interruptible } from '../cli/interrupt';
import type { Output } from '../cli/output';
import { duration } from '../cli/output';
import { bundleFiles } from '../commands/decompose';
import { startTransfer } from '../commands/transfer';
import { prepareDemoFolder } from './folder';
import type { DemoPlan } from './plan';
import { type Score, score } from './score';

/** What {@link runDemo} reports. */
export interface DemoResult {
  out: string;
  report: string;
  engine: string;
  seconds: Record<string, number>;
  pretraining: Score;
  novel: Score;
}

const COLUMNS = 8;

/** Real pictures of every class, a row a class. */
async function realPictures(dataset: ImageDataset): Promise<Images> {
  const { height, width, channels } = dataset;
  const blank = height * width * channels;
  const data = new Uint8Array(dataset.classes.length * COLUMNS * blank).fill(255);
  for (const label of dataset.classes.keys()) {
    const own = Array.from(dataset.labels.keys()).filter((i) => dataset.labels[i] === label);
    data.set(await dataset.read(own.slice(0, COLUMNS)), label * COLUMNS * blank);
  }
  return { data, count: dataset.classes.length * COLUMNS, height, width, channels };
}

function scoreTable(rows: readonly (readonly [string, Score])[]): Section {
  return {
    kind: 'table',
    title: 'Scores',
    note: 'Features of a small classifier trained on the real training pictures; references are real pictures that nothing was trained on. Distances of so few pictures are rough: compare with noise.',
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

/** The main job on emoji: pre-train, decompose, transfer, sample, score, report. */
export async function runDemo(
  plan: DemoPlan,
  { out, engine, seed, force, output }: { out: string; engine: string; seed: number; force: boolean; output: Output },
): Promise<DemoResult> {
  const started = performance.now();
  const seconds: Record<string, number> = {};
  let steps = 0;
  const stage = async <T>(name: string, title: string, work: () => Promise<T>): Promise<T> => {
    output.info(`\n${++steps}. ${title}  (${duration((performance.now() - started) / 1000)})`);
    const begin = performance.now();
    const result = await work();
    seconds[name] = (performance.now() - begin) / 1000;
    return result;
  };
  if (await prepareDemoFolder(out, plan, { seed, force }))
    output.info(`Continuing the demo in ${out} that was interrupted`);
  const config = parseConfig(mergeConfig(plan.config as Record<string, unknown>, { seed }), 'demo');

  const data = await stage(
    'data',
    `Pictures (${config.data.source}): ${plan.pretraining.length} classes to learn, ${plan.novel.length} kept out: ${plan.novel.join(', ')}`,
    async () => {
      const opened = await openData(config.data, output);
      const classes = [...plan.pretraining, ...plan.novel];
      const all = await decodeData(chooseClasses(opened.dataset, classes), opened.recipe, output);
      return {
        all: partOf(all, classes, config),
        base: partOf(all, plan.pretraining, config),
        novel: partOf(all, plan.novel, config),
      };
    },
  );

  const features = await stage(
    'classifier',
    'A classifier on the real pictures, for the features that FID compares',
    () =>
      trainExtractor({
        train: data.all.train,
        heldOut: data.all.heldOut,
        steps: plan.classifierSteps,
        seed,
        path: join(out, 'classifier.safetensors'),
        output,
      }),
  );
  output.info(`   accuracy ${((features.accuracy ?? 0) * 100).toFixed(0)} % on held-out pictures`);

  const kind = modelConfig(config, data.base.train);
  const pretrain = join(out, 'pretrain');
  const record: KindRunRecord = {
    format: runFormat,
    command: 'train',
    kind: 'kind',
    config,
    model: kind,
    engine,
    versions: versions(),
  };
  if (!isRunFolder(pretrain)) await createRunFolder(pretrain, record);
  const trained = await stage(
    'pretraining',
    `KIND pre-training with the class gate, ${config.training.steps} steps`,
    () =>
      interruptible((signal) =>
        runTraining({
          run: pretrain,
          record,
          data: data.base.train,
          progress: output,
          signal,
        }),
      ),
  );
  const model: KindModel = { config: kind, params: trained.model().params };

  const pieces = await stage(
    'decompose',
    'Taking the model apart: learngenes, shared parts, one file of tailors a class',
    async () => {
      await saveBundle(join(out, 'bundle'), model, { metadata: bundleMetadata(config), replace: true });
      const one = tf.tidy(() => ({ ...countAssembled(assembleFactored(model, { groups: [plan.pretraining[0]] })) }));
      return { files: await bundleFiles(join(out, 'bundle')), one, all: countAssembled(model) };
    },
  );
  for (const { file, bytes } of pieces.files) output.info(`   ${String(bytes).padStart(9)} bytes  ${file}`);

  const transferConfig: Config = {
    ...config,
    data: { ...config.data, classes: [...plan.novel], novel: [] },
    training: {
      ...config.training,
      steps: plan.transferSteps,
      warmup: 10,
      checkpointEvery: plan.transferSteps,
      sampleEvery: 0,
    },
  };
  const transfer = join(out, 'transfer');
  const start = startTransfer(model, plan.novel, { config: transferConfig, domain: 'near' });
  const transferRecord: KindRunRecord = {
    ...record,
    command: 'transfer',
    config: transferConfig,
    model: start.config,
    base: { path: pretrain, classes: [...plan.novel], domain: 'near' },
  };
  if (!isRunFolder(transfer)) await createRunFolder(transfer, transferRecord);
  const adapted = await stage(
    'transfer',
    `Novel classes (${plan.novel.join(', ')}) on frozen learngenes, fresh tailors, ${plan.transferSteps} steps`,
    () =>
      interruptible((signal) =>
        runTraining({
          run: transfer,
          record: transferRecord,
          trainable: 'tailors',
          data: data.novel.train,
          start: () => initKindTraining(start.params, { trainable: 'tailors' }),
          progress: output,
          signal,
        }),
      ),
  );
  const novelModel: KindModel = { config: start.config, params: adapted.model().params };

  const process = createDiffusionProcess(config);
  const draw = (from: KindModel, title: string) =>
    sampleClasses(from, process, {
      labels: gridLabels(from.config.dit.classes, plan.samplesPerClass, from.config.dit.classes),
      sampling: config.sampling,
      seed,
      progress: output,
      title,
    });
  const samples = await stage('sampling', 'Drawing samples of all classes', async () => ({
    base: await draw(model, 'Pre-training classes'),
    novel: await draw(novelModel, 'Novel classes'),
  }));

  const scores = await stage('scoring', 'Scoring against held-out pictures and against noise', async () => {
    const ids = (count: number, first: number) =>
      Int32Array.from({ length: count }, (_, i) => first + Math.floor(i / plan.samplesPerClass));
    const { extractor } = features;
    return {
      base: await score(extractor, {
        pictures: samples.base,
        classes: ids(samples.base.count, 0),
        heldOut: data.base.heldOut,
        seed,
      }),
      novel: await score(extractor, {
        pictures: samples.novel,
        classes: ids(samples.novel.count, plan.pretraining.length),
        heldOut: data.novel.heldOut,
        seed,
      }),
    };
  });
  features.dispose();

  const report = await stage('report', 'Writing the report', async () => {
    const shown = {
      base: takePerClass(samples.base, plan.samplesPerClass, COLUMNS),
      novel: takePerClass(samples.novel, plan.samplesPerClass, COLUMNS),
    };
    await writeGrid(join(out, 'pretraining-samples.png'), shown.base, COLUMNS);
    await writeGrid(join(out, 'novel-samples.png'), shown.novel, COLUMNS);
    const real = { base: await realPictures(data.base.train), novel: await realPictures(data.novel.train) };
    const sections: Section[] = [
      {
        kind: 'text',
        text: `A KIND Diffusion Transformer was pre-trained on ${plan.pretraining.length} classes (${config.data.source}), taken apart into learngenes and tailors, and taught ${plan.novel.join(' and ')} with frozen learngenes.`,
      },
      {
        kind: 'image',
        title: 'Samples of the pre-training classes',
        png: await gridPng(shown.base, COLUMNS),
        rowNames: plan.pretraining,
      },
      {
        kind: 'image',
        title: 'Samples of the novel classes',
        png: await gridPng(shown.novel, COLUMNS),
        rowNames: plan.novel,
      },
      {
        kind: 'image',
        title: 'Real pictures of the pre-training classes',
        png: await gridPng(real.base, COLUMNS),
        rowNames: plan.pretraining,
      },
      {
        kind: 'image',
        title: 'Real pictures of the novel classes',
        png: await gridPng(real.novel, COLUMNS),
        rowNames: plan.novel,
      },
      scoreTable([
        ['pre-training classes', scores.base],
        ['novel classes', scores.novel],
      ]),
      ...(await curveSections(pretrain)),
      await spectrumSection(model),
      sizeSection(model),
      {
        kind: 'table',
        title: 'The bundle',
        note: `One class of it: ${pieces.one.parameters.toLocaleString('en-US')} of ${pieces.all.parameters.toLocaleString('en-US')} parameters.`,
        header: ['file', 'bytes'],
        rows: pieces.files.map(({ file, bytes }) => [file, bytes.toLocaleString('en-US')]),
      },
      {
        kind: 'table',
        title: 'Where the time went',
        header: ['stage', 'seconds'],
        rows: Object.entries(seconds).map(([name, value]) => [name, value.toFixed(1)]),
      },
    ];
    const path = join(out, 'report.html');
    await writeFileAtomic(
      path,
      reportPage(`KIND on ${data.all.train.name}`, `engine ${engine}, seed ${seed}`, sections),
    );
    return path;
  });
  trained.dispose();
  adapted.dispose();
  seconds.total = (performance.now() - started) / 1000;
  return { out, report, engine, seconds, pretraining: scores.base, novel: scores.novel };
}
