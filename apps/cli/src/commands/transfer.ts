import { listNames } from '@learngene/datasets';
import { counted } from '@learngene/pipeline';
import { modelFolder } from '@learngene/pipeline/node';
import { TRANSFER_TRAINABLES as TRAINABLES } from '@learngene/trainer';
import { checkNewRun, type PreparedTransfer, prepareTransfer, resumeTransfer, transfer } from '@learngene/trainer/node';
import { Command, Option } from 'commander';
import { type ClassOptions, namedClasses, withClassOptions } from '../cli/classes';
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
  wholeNumber,
  withOutputOptions,
  withRunOptions,
} from '../cli/context';
import { UsageError } from '../cli/errors';
import { interruptible } from '../cli/interrupt';
import type { Output } from '../cli/output';
import { startEngine } from '../cli/start-engine';

type Means = Pick<Parameters<typeof prepareTransfer>[1], 'domain' | 'tailorRank' | 'trainable' | 'nullGate'>;

interface TransferOptions extends OutputOptions, EngineOption, ConfigOptions, ClassOptions, Means {
  from?: string;
  out: string;
  resume: boolean;
}

const NULL_GATES = ['learngenes', 'own-class'];

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
      oneOf('--trainable <parts>', 'what is trained (default: by --domain); gate: shares of old tailors', TRAINABLES),
    )
    .addOption(oneOf('--null-gate <gate>', 'what answers without a label (default: as in base)', NULL_GATES));
  withClassOptions(command, 'classes to teach (default: those that the base keeps out as novel; of other data all)');
  withRunOptions(command);
  withOutputOptions(command, [
    'learngene transfer --from runs/emoji --classes heart --steps 300 --out runs/heart',
    'learngene transfer --from bundle --data owls --out runs/owls',
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
    output.print(`Transferred to ${listNames(classes, 40)}: ${counted(steps, 'step')}, loss ${loss}`);
    output.result({ ...result, classes, trainedParameters });
  });
}
