import { listNames } from '@learngene/datasets';
import {
  type Config,
  checkDdimOption,
  counted,
  drawnClasses,
  imageBytes,
  mergeConfig,
  parseConfig,
} from '@learngene/pipeline';
import { describeSource } from '@learngene/pipeline/node';
import { checkMemory, sampleToFiles } from '@learngene/trainer/node';
import { Command } from 'commander';
import { type ClassOptions, namedClasses, withClassOptions } from '../cli/classes';
import {
  type EngineOption,
  number,
  type OutputOptions,
  oneOf,
  outputOf,
  wholeNumber,
  withEngineOption,
  withLatentOptions,
  withOutputOptions,
  withSeedOption,
} from '../cli/context';
import { interruptible } from '../cli/interrupt';
import { startEngine } from '../cli/start-engine';
import { checkTarget, withForceOption } from '../cli/target';

interface SampleOptions extends OutputOptions, EngineOption, ClassOptions {
  seed?: number;
  force: boolean;
  from: string;
  out: string;
  count: number;
  columns: number;
  npz?: string;
  sampler?: Config['sampling']['sampler'];
  steps?: number;
  guidance?: number;
  eta?: number;
  batchSize: number;
  vae?: string;
  weight?: number[];
}

/** `learngene sample`: images of classes. */
export function sampleCommand(): Command {
  const command = new Command('sample')
    .description('Draw images of classes from a run, a bundle or a dense model')
    .requiredOption('--from <path>', 'run, bundle, demo or dense model')
    .requiredOption('--out <file>', 'PNG grid to write, a row a class')
    .option('--count <n>', 'images a class', wholeNumber('--count', 1), 8)
    .option('--columns <n>', 'images in a row of the grid', wholeNumber('--columns', 1), 8)
    .option(
      '--npz <file>',
      'also write arr_0 (uint8 NHWC) and arr_1 (labels), as the ADM evaluator reads, and the names of the classes',
    )
    .addOption(oneOf('--sampler <name>', 'sampler', ['ddpm', 'ddim', 'dpm-solver++', 'unipc', 'euler', 'heun']))
    .option('--steps <n>', 'sampling steps', wholeNumber('--steps', 1))
    .option('--guidance <scale>', 'classifier-free guidance; 1 is none', number('--guidance'))
    .option('--eta <x>', 'noise of DDIM, 0 to 1', number('--eta'))
    .option('--batch-size <n>', 'images at a time', wholeNumber('--batch-size', 1), 32);
  withClassOptions(
    command,
    'classes to draw (default: all); noise goes by the place of an image in the call, so the order counts',
  );
  const weight = number('--weight');
  command.option(
    '--weight <share>',
    'mix the classes into one: the share of each, in their order; they add up to 1',
    (text: string, before: number[] = []) => [...before, weight(text)],
  );
  withLatentOptions(command, { latents: false });
  withForceOption(command);
  withSeedOption(command);
  withEngineOption(command);
  withOutputOptions(command, [
    'learngene sample --from runs/emoji --out emoji.png',
    'learngene sample --from bundle --classes heart,arrow --count 16 --guidance 2 --out some.png',
    'learngene sample --from bundle --class owl --weight 0.6 --class cat --weight 0.4 --out mixed.png',
    'learngene sample --from runs/emoji --count 500 --npz samples.npz --out grid.png --seed 7',
  ]);
  return command.action(async (options: SampleOptions) => {
    const output = outputOf(options);
    checkTarget(options.out, { option: '--out', endings: ['.png'], force: options.force });
    if (options.npz !== undefined) {
      checkTarget(options.npz, { option: '--npz', endings: ['.npz'], force: options.force });
    }
    const source = await describeSource(options.from, { progress: output, argument: '--from' });
    const { classNames: names, recipe: config } = source;
    const asked = { classes: namedClasses(options), weights: options.weight };
    const drawn = drawnClasses(names, asked, (argument) => (argument === 'classes' ? '--classes' : '--weight'));
    const { ids, mixture, names: classes } = drawn;
    const given = { sampler: options.sampler, steps: options.steps, guidance: options.guidance, eta: options.eta };
    const merged = mergeConfig(config as unknown as Record<string, unknown>, { sampling: given });
    const { sampling } = parseConfig(merged, 'options');
    if (options.eta !== undefined) checkDdimOption('--eta', sampling);
    const count = classes.length * options.count;
    checkMemory('--count', counted(count, 'image'), count * imageBytes(source));
    const engine = await startEngine(options.engine, output);
    const { out, npz, columns, batchSize, vae: autoencoder } = options;
    const seed = options.seed ?? config.seed;
    const shared = { out, npz, columns, batchSize, autoencoder, ids, mixture, count: options.count, sampling, seed };
    const result = await interruptible((signal) => sampleToFiles(source, { ...shared, progress: output, signal }));
    const { seconds } = result;
    output.print(`${out}: ${counted(result.count, 'image')} of ${listNames(classes, 40)} in ${seconds.toFixed(1)} s`);
    const written = { out, npz: npz ?? null, classes, count: result.count };
    output.result({ ...written, seed, sampling, seconds, engine: engine.name });
  });
}
