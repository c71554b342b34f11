import { parseVaeTrainingConfig } from '@learngene/trainer';
import { checkNewRun, prepareVaeTraining, resumeVaeTraining, trainVae } from '@learngene/trainer/node';
import { Command } from 'commander';
import {
  type ConfigOptions,
  continuation,
  type EngineOption,
  type OutputOptions,
  outputOf,
  refuseUnused,
  requestedConfig,
  withOutputOptions,
  withRunOptions,
} from '../cli/context';
import { interruptible } from '../cli/interrupt';
import type { Output } from '../cli/output';
import { startEngine } from '../cli/start-engine';

interface TrainOptions extends OutputOptions, EngineOption, ConfigOptions {
  out: string;
  resume: boolean;
  dryRun: boolean;
}

/** All that can be checked before an engine starts and an image is decoded. */
async function prepare(command: Command, options: TrainOptions, output: Output) {
  if (options.resume) {
    const { place, hold, requested } = await continuation(options);
    return resumeVaeTraining(options.out, { place, hold, requested, progress: output });
  }
  refuseUnused(command, ['hold'], 'has a part only with --resume');
  await checkNewRun(options.out);
  const config = parseVaeTrainingConfig(await requestedConfig(options), options.config ?? 'options');
  return prepareVaeTraining(config, output);
}

function trainCommand(): Command {
  const command = new Command('train')
    .description('Train a tiny autoencoder or an AutoencoderKL on images of your own; classes play no part')
    .requiredOption('--out <folder>', 'run folder to create or, with --resume, to continue')
    .option('--dry-run', 'check everything, print the resolved configuration, and stop', false);
  withRunOptions(command, { latents: false });
  withOutputOptions(command, [
    'learngene vae train --data photos --size 64 --out runs/vae',
    'learngene vae train --data photos --set model.latentChannels=8 --steps 40000 --out runs/vae',
    'learngene vae train --out runs/vae --resume',
  ]);
  return command.action(async (options: TrainOptions) => {
    const output = outputOf(options);
    const prepared = await prepare(command, options, output);
    const { config, model } = prepared.record;
    if (options.dryRun) {
      output.print(JSON.stringify({ config, model }, null, 2));
      output.result({ config, model });
      return;
    }
    const engine = await startEngine(options.engine, output, config.training.precision);
    const result = await interruptible((signal) =>
      trainVae(prepared, { run: options.out, engine: engine.name, progress: output, signal }),
    );
    const error = result.meanSquaredError?.toFixed(5) ?? 'not measured';
    output.print(`Trained ${result.folder}: mean squared error of ${result.heldOut} held-out images ${error}`);
    output.result(result);
  });
}

/** `learngene vae`: autoencoders, in whose latents a diffusion model may work. */
export function vaeCommand(): Command {
  return new Command('vae')
    .description('Train an autoencoder, in whose latents a diffusion model may work')
    .addCommand(trainCommand())
    .addHelpText('after', '\nExamples:\n  $ learngene vae train --data photos --size 64 --out runs/vae');
}
