import { autoencoderAt } from '@learngene/pipeline/node';
import {
  adjustPlan,
  checkDemo,
  checkDemoFolder,
  DEMO_SECTIONS,
  type DemoPlan,
  demoPlan,
  planForData,
  runDemo,
  scoreWords,
} from '@learngene/trainer/node';
import { Command } from 'commander';
import { type ClassOptions, namedClasses, namedNovel, withClassOptions, withNovelOptions } from '../cli/classes';
import {
  collect,
  type EngineOption,
  type OutputOptions,
  outputOf,
  refuseUnreadSections,
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
  pixels: boolean;
  steps?: number;
  set: string[];
  vae?: string;
  data?: string;
  dataPath?: string;
}

/** The shipped autoencoder is of emoji: other images take one of their own, or are pixels. */
async function planOf(options: DemoOptions, output: Output): Promise<DemoPlan> {
  const { full, vae, data } = options;
  if (options.pixels && vae !== undefined) {
    throw new UsageError('--vae: a demo in pixels has no autoencoder; give --pixels or --vae');
  }
  refuseUnreadSections(options, 'demo', DEMO_SECTIONS);
  const pixels = options.pixels || (vae === undefined && data !== undefined && data !== 'emoji');
  const plan = demoPlan({ full, pixels, autoencoder: vae === undefined ? undefined : autoencoderAt(vae) });
  const [classes, novel] = [namedClasses(options), namedNovel(options)];
  if (data === undefined) {
    if (options.dataPath ?? classes ?? novel) throw new UsageError('--data-path, --classes and --novel go with --data');
    return plan;
  }
  if (novel === undefined) throw new UsageError('--data needs --novel, the classes to keep out');
  return planForData(plan, { data: dataOfFlags(options), classes, novel }, output);
}

/** `learngene demo`: the main job on emoji, with a report. */
export function demoCommand(): Command {
  const command = new Command('demo')
    .description('Pre-train on emoji, take the model apart, teach it classes it has never seen, sample, score, report')
    .option('--out <folder>', 'folder to write; an interrupted demo continues', 'runs/demo')
    .option('--full', 'train a larger model for long (hours without a GPU)', false)
    .option('--pixels', 'work in pixels of 32x32, not in latents of 64x64 (--data without --vae does)', false)
    .option('--vae <folder>', 'the autoencoder of the latents (default: the shipped one of emoji)')
    .option('--steps <n>', 'pre-training steps (default: fewer on a slow engine)', wholeNumber('--steps', 1))
    .option('--set <key=value>', `set one key of the pre-training (${DEMO_SECTIONS.join(', ')})`, collect, [])
    .option('--data <path>', `other images than emoji: ${dataWords}`)
    .option('--data-path <path>', 'where data of that kind lie');
  withClassOptions(command, 'classes to pre-train on (default: all that are not novel)');
  withNovelOptions(command, 'classes to keep out and transfer to');
  withForceOption(command);
  withSeedOption(command);
  withEngineOption(command);
  withOutputOptions(command, [
    'learngene demo',
    'learngene demo --pixels --out runs/pixels',
    'learngene demo --full --out runs/full',
    'learngene demo --set diffusion.process=gaussian --set sampling.sampler=ddim --out runs/gaussian',
    'learngene demo --data photos --novel owls --vae my-autoencoder --out runs/photos',
  ]);
  return command.action(async (options: DemoOptions) => {
    const output = outputOf(options);
    const asked = await planOf(options, output);
    const { out, seed = 0, force: replace } = options;
    const unsettled = adjustPlan(asked, undefined, options); // the engine decides the steps: other settings show once it has
    await checkDemoFolder(out, unsettled, { seed, replace: true });
    await checkDemo(unsettled, { seed });
    const engine = await startEngine(options.engine, output);
    const plan = adjustPlan(asked, engine.name, options);
    await checkDemoFolder(out, plan, { seed, replace });
    if (engine.name === 'cpu') output.warn('plain JavaScript takes hours here; --engine wasm takes minutes');
    const result = await interruptible((signal) =>
      runDemo(plan, {
        ...{ out, engine: engine.name, seed, replace, signal },
        progress: output,
        onStage: ({ number, title, seconds }) => output.info(`\n${number}. ${title}  (${duration(seconds)})`),
      }),
    );
    output.print(`\nDone in ${duration(result.seconds.total)} on ${engine.name}`);
    output.print(`Pre-training classes: ${scoreWords(result.pretraining)}`);
    output.print(`Novel classes:        ${scoreWords(result.novel)}`);
    output.print(`Report: ${result.report}`);
    output.result(result);
  });
}
