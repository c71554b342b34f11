import { mergeConfig, parseAssignment, parseConfig } from '@learngene/pipeline';
import { autoencoderAt } from '@learngene/pipeline/node';
import {
  chooseClasses,
  type DemoPlan,
  demoFolderState,
  demoPlan,
  openData,
  planFor,
  planOn,
  pretrainingClasses,
  runDemo,
  type Score,
  withSteps,
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

/**
 * The plan for the images that were asked for: emoji, or any other data with its novel classes named. The shipped autoencoder
 * is of emoji, so that other images take one of their own or are pixels.
 */
async function planOf(options: DemoOptions, output: Output): Promise<DemoPlan> {
  const { full, vae, data } = options;
  if (options.pixels && vae !== undefined) {
    throw new UsageError('--vae: a demo in pixels has no autoencoder; give --pixels or --vae');
  }
  const pixels = options.pixels || (vae === undefined && data !== undefined && data !== 'emoji');
  const plan = demoPlan({ full, pixels, autoencoder: vae === undefined ? undefined : autoencoderAt(vae) });
  const [classes, novel] = [namedClasses(options), namedNovel(options)];
  if (data === undefined) {
    if (options.dataPath ?? classes ?? novel) throw new UsageError('--data-path, --classes and --novel go with --data');
    return plan;
  }
  if (novel === undefined) throw new UsageError('--data needs --novel, the classes to keep out');
  const config = parseConfig({ data: { ...dataOfFlags(options), classes, novel } }, 'options');
  const { dataset, recipe } = await openData(config.data, output, { size: plan.config.data?.size });
  const pretraining = pretrainingClasses(dataset, config.data);
  return planFor(plan, recipe, { size: dataset.height, pretraining, novel: chooseClasses(dataset, novel).classes });
}

/** What of a plan's configuration can be set; its data have options of their own. */
const SECTIONS = ['model', 'diffusion', 'training', 'sampling'];

/** The plan with the steps and the settings that were asked for. */
function adjusted(plan: DemoPlan, { steps, set }: DemoOptions): DemoPlan {
  let config = withSteps(plan, steps).config as Record<string, unknown>;
  for (const assignment of set) config = mergeConfig(config, parseAssignment(assignment));
  parseConfig(config, 'options');
  return { ...plan, config };
}

/** `learngene demo`: the main job on emoji, with a report. */
export function demoCommand(): Command {
  const command = new Command('demo')
    .description('Pre-train on emoji, take the model apart, teach it classes it has never seen, sample, score, report')
    .option('--out <folder>', 'folder to write; an interrupted demo continues', 'runs/demo')
    .option('--full', 'train a larger model for long (hours without a GPU)', false)
    .option(
      '--pixels',
      'work in pixels of 32x32 (default: in latents of 64x64; other data than emoji in pixels)',
      false,
    )
    .option('--vae <folder>', 'the autoencoder of the latents (default: the shipped one of emoji)')
    .option('--steps <n>', 'pre-training steps (default: fewer on a slow engine)', wholeNumber('--steps', 1))
    .option(
      '--set <key=value>',
      `set one key of the pre-training (${SECTIONS.join(', ')}); may be repeated`,
      collect,
      [],
    )
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
    'learngene demo --data path/to/fashion-mnist --novel Coat,Sandal',
  ]);
  return command.action(async (options: DemoOptions) => {
    const output = outputOf(options);
    refuseUnreadSections(options, 'demo', SECTIONS);
    const asked = adjusted(await planOf(options, output), options);
    const { out, seed = 0, force: replace } = options;
    await checkForeign(asked, options);
    const engine = await startEngine(options.engine, output);
    const plan = adjusted(planOn(asked, engine.name), options);
    await checkReplaced(plan, options);
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

/** Refuses a folder that holds what is no demo's; which plan it is makes no difference. */
async function checkForeign(plan: DemoPlan, { out, seed = 0 }: DemoOptions): Promise<void> {
  const found = await demoFolderState(out, plan, seed);
  if (found.state !== 'foreign') return;
  throw new UsageError(`--out ${out}: expected a new folder or an earlier demo's, got one that holds ${found.entry}`);
}

/** Refuses the folder of a demo that is finished, or of other settings, where it may not be replaced. */
async function checkReplaced(plan: DemoPlan, { out, seed = 0, force }: DemoOptions): Promise<void> {
  const { state } = await demoFolderState(out, plan, seed);
  if (force || (state !== 'finished' && state !== 'different')) return;
  const what = state === 'finished' ? 'a finished demo' : 'a demo of other settings';
  throw new UsageError(`--out ${out}: holds ${what}; give --force to replace it, or another --out`);
}
