import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageDataset } from '@learngene/datasets';
import { assembleFactored, countAssembled, initKindTraining, type KindModel } from '@learngene/kind';
import { saveBundle } from '@learngene/kind/node';
import { bundleMetadata, type Config, counted, type Progress } from '@learngene/pipeline';
import { bundleFiles, isRunFolder, type KindRunRecord, RUN_FORMAT } from '@learngene/pipeline/node';
import type { Images } from '@learngene/report';
import * as tf from '@tensorflow/tfjs-core';
import { checkGiven } from '../check-given';
import { modelConfig } from '../config/model-config';
import { type DataPart, decodeData, partOf } from '../data/decode-data';
import { chooseClasses, openData } from '../data/open-data';
import { InterruptedError } from '../errors';
import { type InDomainExtractor, trainExtractor, trainedExtractor } from '../evaluate/in-domain-extractor';
import { encodeTrainingData } from '../latents/training-data';
import { type RunTrainingOptions, runTraining } from '../run/run-training';
import { createRunFolder } from '../run-folder/create-run';
import { versions } from '../run-folder/versions';
import { startTransfer } from '../transfer/start-transfer';
import { checkDemo } from './check-demo';
import { type BundleSizes, type DemoData, type DemoParts, writeDemoReport } from './demo-report';
import { type BothParts, drawBoth } from './draw';
import { checkDemoFolder, prepareDemoFolder } from './folder';
import type { DemoPlan } from './plan';
import { type Score, score } from './score';
import { type DemoStage, Stages } from './stages';

/** The options of {@link runDemo}. */
export interface RunDemoOptions {
  /** Folder to write; an interrupted demo of the same plan and seed continues there. */
  out: string;
  /** Name of the engine that is selected, for the records. */
  engine: string;
  /** Seed of all randomness. */
  seed: number;
  /** Whether a finished demo, or one of other settings, may be replaced (default false). */
  replace?: boolean;
  /** Receives messages and progress bars. */
  progress: Progress;
  /** Stops the demo between two steps; a training writes a checkpoint first. */
  signal: AbortSignal;
  /** Called when a stage begins. */
  onStage?: (stage: DemoStage) => void;
}

/** Result of {@link runDemo}. */
export interface DemoResult {
  /** The folder. */
  out: string;
  /** The report's file. */
  report: string;
  /** The engine. */
  engine: string;
  /** Seconds that each stage took, by its name, and in `total`. */
  seconds: Record<string, number>;
  /** Scores of the pre-training classes. */
  pretraining: Score;
  /** Scores of the novel classes. */
  novel: Score;
}

/**
 * The main job on a few classes: pre-train, take apart, transfer, sample, score, report.
 *
 * @throws ConfigError for a folder that may not be replaced and as {@link checkDemo}, before anything is written; InterruptedError where the signal aborts
 */
export async function runDemo(plan: DemoPlan, options: RunDemoOptions): Promise<DemoResult> {
  checkGiven('runDemo', 'plan', plan, ['config', 'pretraining', 'novel']);
  checkGiven('runDemo', 'options', options, ['out', 'engine', 'seed', 'progress', 'signal']);
  try {
    return await runStages(plan, options);
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
    // Not its cause: that has the code of a training alone, whose advice is that of another command.
    const { message, signal, cause } = error;
    throw new InterruptedError(message, { signal, code: 'demo-interrupted', cause });
  }
}

async function runStages(plan: DemoPlan, options: RunDemoOptions): Promise<DemoResult> {
  const { out, engine, seed, replace, progress } = options;
  const stages = new Stages(options);
  // Before the folder is made: a plan that is refused, or images that cannot be read, leave nothing behind.
  await checkDemoFolder(out, plan, { seed, replace });
  const { config, images } = await checkDemo(plan, { seed });
  await checkDemoFolder(out, plan, { seed, replace, images });
  const data = await stages.run(
    'data',
    `Images (${config.data.source}): ${counted(plan.pretraining.length, 'class', 'classes')} to learn, ${plan.novel.length} kept out: ${plan.novel.join(', ')}`,
    () => openDemoData(plan, config, progress),
  );
  if (await prepareDemoFolder(out, plan, { seed, replace, images }))
    progress.info(`Continuing the demo in ${out} that was interrupted`);
  const features = await stages.run(
    'classifier',
    'A classifier on the real images, for the features that FID compares',
    () => trainClassifier(data.scored.all, plan, options),
  );
  progress.info(`   accuracy ${((features.accuracy ?? 0) * 100).toFixed(0)} % on held-out images`);

  const kind = modelConfig(config, data.base.train);
  const record: KindRunRecord = {
    format: RUN_FORMAT,
    command: 'train',
    kind: 'kind',
    config,
    model: kind,
    engine,
    versions: versions(),
  };
  const encode = async () => ({
    base: (await encodeTrainingData(data.base, config, progress)).train,
    novel: (await encodeTrainingData(data.novel, config, progress)).train,
  });
  const inputs =
    config.autoencoder === undefined
      ? await encode()
      : await stages.run('encoding', `Encoding the images with ${config.autoencoder.name}`, encode);
  const trained = await stages.run(
    'pretraining',
    `KIND pre-training with the class gate, ${counted(config.training.steps, 'step')}`,
    () => pretrain(record, inputs.base, { ...options, later: { steps: plan.transferSteps, of: 'the transfer' } }),
  );
  const model: KindModel = { config: kind, params: trained.model().params };
  const bundle = await stages.run(
    'decompose',
    'Taking the model apart: learngenes, shared parts, one file of tailors a class',
    () => decompose(model, config, { out, first: plan.pretraining[0] }),
  );
  for (const { file, bytes } of bundle.files) progress.info(`   ${String(bytes).padStart(9)} bytes  ${file}`);
  const adapted = await stages.run(
    'transfer',
    `Novel classes (${plan.novel.join(', ')}) on frozen learngenes, fresh tailors, ${counted(plan.transferSteps, 'step')}`,
    () => transfer({ plan, record, model }, inputs.novel, options),
  );
  const models = { base: model, novel: adapted.model() };
  const drawn = await stages.run('sampling', 'Drawing samples of all classes', () =>
    drawBoth({ models, train: inputs, plan, config, ...options }),
  );
  const scores = await stages.run('scoring', 'Scoring against held-out images and against noise', () =>
    scoreBoth({ plan, data, samples: drawn.samples, seed }, features),
  );
  features.dispose();
  const report = await stages.run('report', 'Writing the report', () =>
    writeDemoReport({ plan, config, data, drawn, scores, model, bundle, out, engine, seconds: stages.seconds }),
  );
  trained.dispose();
  adapted.dispose();
  stages.seconds.total = stages.total();
  return { out, report, engine, seconds: stages.seconds, pretraining: scores.base, novel: scores.novel };
}

async function openDemoData(plan: DemoPlan, config: Config, progress: Progress): Promise<DemoData> {
  const own = await partsOf(plan, config, progress);
  // Scores compare images of one size, so that a demo in pixels and one in latents have the same judge.
  if (own.all.train.height === plan.scoreSize) return { ...own, scored: own };
  const larger = { ...config, data: { ...config.data, size: plan.scoreSize } };
  return { ...own, scored: await partsOf(plan, larger, progress) };
}

async function partsOf(plan: DemoPlan, config: Config, progress: Progress): Promise<DemoParts> {
  const opened = await openData(config.data, progress);
  const classes = [...plan.pretraining, ...plan.novel];
  const all = await decodeData(chooseClasses(opened.dataset, classes), opened.recipe, progress);
  return {
    all: partOf(all, classes, config),
    base: partOf(all, plan.pretraining, config),
    novel: partOf(all, plan.novel, config),
  };
}

function trainClassifier(
  { train, heldOut }: DataPart,
  { classifierSteps: steps }: DemoPlan,
  { out, seed, progress, signal }: RunDemoOptions,
): Promise<InDomainExtractor> {
  const path = join(out, 'classifier.safetensors');
  // That of an interrupted demo of the same plan, seed and images: trained again it would have the same bits.
  if (existsSync(path)) return trainedExtractor(path, heldOut);
  return trainExtractor({ train, heldOut, steps, seed, path, progress, signal });
}

async function pretrain(
  record: KindRunRecord,
  data: ImageDataset,
  { out, later, progress, signal }: RunDemoOptions & Pick<RunTrainingOptions, 'later'>,
) {
  const run = join(out, 'pretrain');
  if (!isRunFolder(run)) await createRunFolder(run, record);
  return runTraining({ run, record, data, later, progress, signal });
}

async function decompose(
  model: KindModel,
  config: Config,
  { out, first }: { out: string; first: string },
): Promise<BundleSizes> {
  const folder = join(out, 'bundle');
  await saveBundle(folder, model, { metadata: bundleMetadata(config), replace: true });
  const one = tf.tidy(() => ({ ...countAssembled(assembleFactored(model, { groups: [first] })) }));
  return { files: await bundleFiles(folder), one, all: countAssembled(model) };
}

async function transfer(
  { plan, record, model }: { plan: DemoPlan; record: KindRunRecord; model: KindModel },
  data: ImageDataset,
  { out, seed, progress, signal }: RunDemoOptions,
) {
  const config: Config = {
    ...record.config,
    data: { ...record.config.data, classes: [...plan.novel], novel: [] },
    training: {
      ...record.config.training,
      steps: plan.transferSteps,
      learningRate: plan.transferLearningRate ?? record.config.training.learningRate,
      warmup: 10,
      checkpointEvery: plan.transferSteps,
      sampleEvery: Math.ceil(plan.transferSteps / 2),
    },
  };
  const run = join(out, 'transfer');
  const start = startTransfer(model, plan.novel, { seed, domain: 'near' });
  const own: KindRunRecord = {
    ...record,
    command: 'transfer',
    config,
    model: start.config,
    base: { path: join(out, 'pretrain'), classes: [...plan.novel], domain: 'near' },
  };
  if (!isRunFolder(run)) await createRunFolder(run, own);
  return runTraining({
    run,
    record: own,
    trainable: 'tailors',
    data,
    start: () => initKindTraining(start.params, { trainable: 'tailors' }),
    progress,
    signal,
  });
}

/** Scores the samples of both parts; the classifier's classes are those of pre-training, then the novel ones. */
async function scoreBoth(
  { plan, data, samples, seed }: { plan: DemoPlan; data: DemoData; samples: BothParts<Images>; seed: number },
  { extractor }: InDomainExtractor,
): Promise<{ base: Score; novel: Score }> {
  const own = (images: Images, first: number, { train, heldOut }: DataPart) => {
    const classes = Int32Array.from({ length: images.count }, (_, i) => first + Math.floor(i / plan.samplesPerClass));
    return score(extractor, { images, classes, train, heldOut, seed });
  };
  return {
    base: await own(samples.base, 0, data.scored.base),
    novel: await own(samples.novel, plan.pretraining.length, data.scored.novel),
  };
}
