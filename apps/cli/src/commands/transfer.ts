import { listNames } from '@learngene/datasets';
import type { Trainable } from '@learngene/kind';
import { modelFolder } from '@learngene/pipeline/node';
import { checkNewRun, type PreparedTransfer, prepareTransfer, resumeTransfer, transfer } from '@learngene/trainer/node';
import { Command, Option } from 'commander';
import { type ClassOptions, namedClasses, withClassOptions } from '../cli/classes';
import {
  type ConfigOptions,
  continuation,
  type EngineOption,
  given,
  type OutputOptions,
  outputOf,
  refuseUnused,
  requestedConfig,
  wholeNumber,
  withOutputOptions,
  withRunOptions,
} from '../cli/context';
import { UsageError } from '../cli/errors';
import { interruptible } from '../cli/interrupt';
import type { Output } from '../cli/output';
import { startEngine } from '../cli/start-engine';

interface TransferOptions extends OutputOptions, EngineOption, ConfigOptions, ClassOptions {
  from?: string;
  out: string;
  domain: 'near' | 'distant';
  tailorRank?: number;
  trainable?: Trainable;
  nullGate?: 'learngenes' | 'own-class';
  resume: boolean;
}

/** All that can be checked before an engine starts and an image is decoded. */
async function prepare(command: Command, options: TransferOptions, output: Output): Promise<PreparedTransfer> {
  const { from, out, domain, tailorRank, trainable, nullGate } = options;
  if (options.resume) {
    const asked = await continuation(options, { data: { classes: namedClasses(options) } });
    const start = { from, domain: given(command, 'domain', domain), tailorRank, trainable, nullGate };
    return resumeTransfer(out, { ...asked, ...start, progress: output });
  }
  refuseUnused(command, ['hold'], 'has a part only with --resume');
  if (from === undefined) throw new UsageError('--from: give the run or the bundle to start from');
  const base = await modelFolder(from, { progress: output, argument: '--from' });
  await checkNewRun(out);
  const requested = await requestedConfig(options);
  const asked = { requested, source: options.config ?? 'options', dataGiven: options.data !== undefined };
  const how = { domain, tailorRank, trainable, nullGate };
  return prepareTransfer(base, { ...asked, ...how, classes: namedClasses(options), progress: output });
}

/** `learngene transfer`: novel classes on frozen learngenes. */
export function transferCommand(): Command {
  const command = new Command('transfer')
    .description('Teach a model classes it has never seen: learngenes stay frozen, fresh tailors are trained')
    .requiredOption('--out <folder>', 'run folder to create or, with --resume, to continue')
    .option('--from <path>', 'pre-training run or bundle to start from')
    .option('--tailor-rank <n>', 'components of a novel class (default: as in base)', wholeNumber('--tailor-rank', 1))
    .addOption(
      new Option('--domain <kind>', 'near: only tailors are trained; distant: only learngenes are kept')
        .choices(['near', 'distant'])
        .default('near'),
    )
    .addOption(
      new Option(
        '--trainable <parts>',
        'what is trained (default: by --domain); gate: how much of each old tailor',
      ).choices([...['tailors', 'gate', 'tailors-and-learngenes', 'tailors-and-shared', 'all']]),
    )
    .addOption(
      new Option('--null-gate <gate>', 'what answers without a label (default: as in base)').choices([
        ...['learngenes', 'own-class'],
      ]),
    );
  withClassOptions(command, 'classes to teach (default: those that the base keeps out as novel; of other data all)');
  withRunOptions(command);
  withOutputOptions(command, [
    'learngene transfer --from runs/emoji --classes heart --steps 300 --out runs/heart',
    'learngene transfer --from bundle --data owls --out runs/owls',
    'learngene transfer --from bundle --data lynxes --trainable gate --out runs/lynxes',
    'learngene transfer --from bundle --domain distant --data galaxies --classes spiral --out runs/spiral',
  ]);
  return command.action(async (options: TransferOptions) => {
    const output = outputOf(options);
    const prepared = await prepare(command, options, output);
    const { config } = prepared.record;
    const engine = await startEngine(options.engine, output, config.training.precision);
    const { steps, trainedParameters, ...result } = await interruptible((signal) =>
      transfer(prepared, { run: options.out, engine: engine.name, progress: output, signal }),
    );
    const classes = config.data.classes ?? [];
    const loss = result.last?.loss.toFixed(5) ?? 'unknown';
    output.print(`Transferred to ${listNames(classes, 40)}: ${steps} steps, loss ${loss}`);
    output.result({ ...result, classes, trainedParameters });
  });
}
