import { counted } from '@learngene/pipeline';
import { checkDenseSettings } from '@learngene/trainer';
import {
  checkNewRun,
  countRunModel,
  denseStartFile,
  type PreparedRun,
  preparePretraining,
  pretrain,
  resumePretraining,
} from '@learngene/trainer/node';
import { Command } from 'commander';
import { type ClassOptions, namedClasses, namedNovel, withClassOptions, withNovelOptions } from '../cli/classes';
import {
  type ConfigOptions,
  continuation,
  type EngineOption,
  given,
  type OutputOptions,
  oneOf,
  outputOf,
  refuseUnused,
  requestedConfig,
  resolveConfig,
  withOutputOptions,
  withRunOptions,
} from '../cli/context';
import { UsageError } from '../cli/errors';
import { interruptible } from '../cli/interrupt';
import type { Output } from '../cli/output';
import { startEngine } from '../cli/start-engine';

interface TrainOptions extends OutputOptions, EngineOption, ConfigOptions, ClassOptions {
  out: string;
  resume: boolean;
  dryRun: boolean;
  initFrom?: string;
  kind: 'kind' | 'dense';
}

/** All that can be checked before an engine starts and an image is decoded. */
async function prepare(command: Command, options: TrainOptions, output: Output): Promise<PreparedRun> {
  const { out, kind, initFrom } = options;
  const classes = { data: { classes: namedClasses(options), novel: namedNovel(options) } };
  const dense = initFrom === undefined ? undefined : await denseStartFile(initFrom, '--init-from');
  if (options.resume) {
    const asked = await continuation(options, classes);
    return resumePretraining(out, { ...asked, kind: given(command, 'kind', kind), dense, progress: output });
  }
  refuseUnused(command, ['hold'], 'has a part only with --resume');
  await checkNewRun(out);
  if (kind === 'dense') {
    if (dense !== undefined) throw new UsageError('--init-from: starts learngenes, which --kind dense has not');
    checkDenseSettings(await requestedConfig(options));
  }
  const config = await resolveConfig(options, classes);
  return preparePretraining(config, { kind, dense, progress: output });
}

/** `learngene train`: pre-train a KIND model with the class gate. */
export function trainCommand(): Command {
  const command = new Command('train')
    .description('Pre-train a KIND model: learngenes for all classes, tailors for each, behind the class gate')
    .requiredOption('--out <folder>', 'run folder to create or, with --resume, to continue')
    .option('--dry-run', 'check everything, print the resolved configuration and the model, and stop', false)
    .addOption(oneOf('--kind <name>', 'learngenes and tailors, or a plain DiT', ['kind', 'dense']).default('kind'))
    .option('--init-from <DiT>', 'start from the SVD of a dense DiT: .safetensors, .pt, a folder of diffusers, hf://');
  withClassOptions(command, 'classes to train on (default: all that are not novel)');
  withNovelOptions(command, 'classes to keep out');
  withRunOptions(command);
  withOutputOptions(command, [
    'learngene train --data emoji --novel heart,arrow --out runs/emoji',
    'learngene train --data photos --size 64 --novel-class "tench, Tinca tinca" --out runs/photos',
    'learngene train --config photos.json --steps 20000 --out runs/photos',
    'learngene train --out runs/photos --resume',
    'learngene train --out runs/photos --resume --steps 40000',
    'learngene train --data path/to/fashion-mnist --set model.learngeneRank=48 --out runs/fashion --dry-run',
  ]);
  return command.action(async (options: TrainOptions) => {
    const output = outputOf(options);
    const prepared = await prepare(command, options, output);
    const { kind, config, model } = prepared.record;
    if (options.dryRun) {
      const { params, macs } = countRunModel(prepared.record);
      output.print(JSON.stringify({ kind, config, model }, null, 2));
      output.print(`${counted(params.total, 'parameter')}, ${macs.total.toLocaleString('en-US')} MACs a class`);
      output.result({ kind, config, model, parameters: params, macs });
      return;
    }
    const engine = await startEngine(options.engine, output, config.training.precision);
    const result = await interruptible((signal) =>
      pretrain(prepared, { run: options.out, engine: engine.name, progress: output, signal }),
    );
    const loss = result.last?.loss.toFixed(5) ?? 'unknown';
    output.print(`Trained ${options.out}: ${counted(result.steps, 'step')}, loss ${loss}`);
    output.result(result);
  });
}
