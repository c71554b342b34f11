import { parseConfig } from '@learngene/pipeline';
import { autoencoderAt } from '@learngene/pipeline/node';
import {
  chooseClasses,
  type DemoPlan,
  demoFolderState,
  demoPlan,
  openData,
  planFor,
  pretrainingClasses,
  runDemo,
  type Score,
  withSteps,
} from '@learngene/trainer/node';
import { Command } from 'commander';
import { type ClassOptions, namedClasses, namedNovel, withClassOptions, withNovelOptions } from '../cli/classes';
import {
  type EngineOption,
  type OutputOptions,
  outputOf,
  wholeNumber,
  withEngineOption,
  withOutputOptions,
  withSeedOption,
} from '../cli/context';
import { dataOfFlags, dataWords } from '../cli/data-flags';
import { UsageError } from '../cli/errors';
import { interruptible } from '../cli/interrupt';
import { duration, type Output } from '../cli/output';
import { startEngine } from '../cli/start-engine';
import { withForceOption } from '../cli/target';

interface DemoOptions extends OutputOptions, EngineOption, ClassOptions {
  seed?: number;
  force: boolean;
  out: string;
  full: boolean;
  steps?: number;
  vae?: string;
  data?: string;
  dataPath?: string;
}

/** The plan for the images that were asked for: emoji, or any other data with its novel classes named. */
async function planOf(options: DemoOptions, output: Output): Promise<DemoPlan> {
  const plan = demoPlan({
    full: options.full,
    autoencoder: options.vae === undefined ? undefined : autoencoderAt(options.vae),
  });
  const [classes, novel] = [namedClasses(options), namedNovel(options)];
  if (options.data === undefined) {
    if (options.dataPath ?? classes ?? novel) throw new UsageError('--data-path, --classes and --novel go with --data');
    return plan;
  }
  if (novel === undefined) throw new UsageError('--data needs --novel, the classes to keep out');
  const data = dataOfFlags(options);
  const config = parseConfig({ data: { ...data, classes, novel } }, 'options');
  const { dataset, recipe } = await openData(config.data, output);
  const pretraining = pretrainingClasses(dataset, config.data);
  return planFor(plan, recipe, { size: dataset.height, pretraining, novel: chooseClasses(dataset, novel).classes });
}

/** `learngene demo`: the main job on emoji, with a report. */
export function demoCommand(): Command {
  const command = new Command('demo')
    .description('Pre-train on emoji, take the model apart, teach it classes it has never seen, sample, score, report')
    .option('--out <folder>', 'folder to write; an interrupted demo continues', 'runs/demo')
    .option('--full', 'train as long as good images take (hours without a GPU)', false)
    .option('--steps <n>', 'pre-training steps', wholeNumber('--steps', 1))
    .option('--vae <folder>', 'work in 64x64 latents of this autoencoder')
    .option('--data <path>', `other images than emoji: ${dataWords}`)
    .option('--data-path <path>', 'where data of that kind lie');
  withClassOptions(command, 'classes to pre-train on (default: all that are not novel)');
  withNovelOptions(command, 'classes to keep out and transfer to');
  withForceOption(command);
  withSeedOption(command);
  withEngineOption(command);
  withOutputOptions(command, [
    'learngene demo',
    'learngene demo --full --out runs/full',
    'learngene demo --vae my-autoencoder --out runs/latents',
    'learngene demo --data path/to/fashion-mnist --novel Coat,Sandal',
  ]);
  return command.action(async (options: DemoOptions) => {
    const output = outputOf(options);
    const plan = withSteps(await planOf(options, output), options.steps);
    const { out, seed = 0, force: replace } = options;
    await checkFolder(plan, options);
    const engine = await startEngine(options.engine, output);
    if (engine.name === 'cpu') output.warn('plain JavaScript takes hours here; --engine wasm takes minutes');
    const result = await interruptible((signal) =>
      runDemo(plan, {
        ...{ out, engine: engine.name, seed, replace, signal },
        progress: output,
        onStage: ({ number, title, seconds }) => output.info(`\n${number}. ${title}  (${duration(seconds)})`),
      }),
    );
    output.print(`\nDone in ${duration(result.seconds.total)} on ${engine.name}`);
    output.print(`Pre-training classes: ${scoreLine(result.pretraining)}`);
    output.print(`Novel classes:        ${scoreLine(result.novel)}`);
    output.print(`Report: ${result.report}`);
    output.result(result);
  });
}

function scoreLine({ fid, noiseFid, classAccuracy }: Score): string {
  const share = (100 * classAccuracy).toFixed(0);
  return `FID ${fid.toFixed(2)} (noise ${noiseFid.toFixed(2)}), ${share} % taken for their class`;
}

/** Refuses a folder that the demo may not write. */
async function checkFolder(plan: DemoPlan, { out, seed = 0, force }: DemoOptions): Promise<void> {
  const found = await demoFolderState(out, plan, seed);
  if (found.state === 'foreign') {
    throw new UsageError(`--out ${out}: expected a new folder or an earlier demo's, got one that holds ${found.entry}`);
  }
  if (force || (found.state !== 'finished' && found.state !== 'different')) return;
  const what = found.state === 'finished' ? 'a finished demo' : 'a demo of other settings';
  throw new UsageError(`--out ${out}: holds ${what}; give --force to replace it, or another --out`);
}
