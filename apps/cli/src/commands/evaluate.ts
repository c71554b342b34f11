import { checkDdimOption, imageBytes } from '@learngene/pipeline';
import {
  checkMemory,
  checkMetrics,
  evaluationRows,
  METRIC_NAMES,
  type PreparedEvaluation,
  prepareEvaluation,
  runEvaluation,
} from '@learngene/trainer/node';
import { Command } from 'commander';
import { namedClasses, withClassOptions } from '../cli/classes';
import {
  list,
  oneOf,
  outputOf,
  refuseUnused,
  requestedConfig,
  wholeNumber,
  withDataOptions,
  withEngineOption,
  withLatentOptions,
  withOutputOptions,
  withSeedOption,
} from '../cli/context';
import { type EvaluateOptions, refuseWithoutPart } from '../cli/evaluation';
import { interruptible } from '../cli/interrupt';
import { startEngine } from '../cli/start-engine';
import { checkTarget } from '../cli/target';

const label = (part: string) => `--${part}`;

/** What of the call shows only once the files are known. */
function checkPrepared(command: Command, options: EvaluateOptions, prepared: PreparedEvaluation): void {
  const { config, drawing, classifier } = prepared;
  if (drawing) checkMemory('--count', `${options.count} images`, options.count * imageBytes(drawing.from));
  const ofDdim = options.set.find((assignment) => /^sampling\.(eta|spacing)=/.test(assignment));
  if (ofDdim !== undefined) checkDdimOption(`--set ${ofDdim}`, config.sampling);
  const { path, description } = classifier;
  if (path === undefined) return;
  if (description) refuseUnused(command, ['classifierSteps'], `has no part: ${path} is there and is not trained again`);
  else checkTarget(path, { option: '--classifier', endings: ['.safetensors'], force: true });
}

/** `learngene evaluate`: scores of samples against real images. */
export function evaluateCommand(): Command {
  const command = new Command('evaluate')
    .description('Score samples against real images: FID, sFID, Inception Score, KID, precision and recall')
    .option('--from <path>', 'run, bundle, demo or dense model to draw samples from')
    .option('--samples <file>', 'score the arr_0 of this npz, or this npy, of any size, instead of drawing')
    .option('--reference <npz>', 'images (arr_0) or statistics (mu, sigma) to compare with; default: the held-out data')
    .option('--count <n>', 'samples to draw', wholeNumber('--count', 2), 256)
    .option('--metrics <names>', `of ${METRIC_NAMES.join(', ')}`, list, ['fid', 'precision-recall'])
    .addOption(
      oneOf('--convention <name>', 'whose way, where programs differ', ['adm', 'torch-fidelity']).default('adm'),
    )
    .option('--classifier <file>', 'classifier to take features from; trained and written there if missing')
    .option(
      '--classifier-steps <n>',
      'training steps of a new classifier',
      wholeNumber('--classifier-steps', 1, 10_000_000),
      300,
    );
  withClassOptions(command, 'classes to draw and to compare with (default: all)');
  withDataOptions(command);
  withLatentOptions(command);
  withSeedOption(command);
  withEngineOption(command);
  withOutputOptions(command, [
    'learngene evaluate --from runs/emoji --count 500',
    'learngene evaluate --from runs/emoji --classes heart --metrics fid,kid --json',
    'learngene evaluate --samples samples.npz --data photos --size 32',
    'learngene evaluate --samples samples.npz --reference real.npz --classifier runs/emoji/classifier.safetensors',
  ]);
  return command.action(async (options: EvaluateOptions) => {
    const output = outputOf(options);
    const metrics = checkMetrics(options.metrics, '--metrics');
    refuseWithoutPart(command, options);
    const [classes, requested] = [namedClasses(options), await requestedConfig(options)];
    const asked = { requested, source: options.config ?? 'options', dataGiven: options.data !== undefined };
    const prepared = await prepareEvaluation({ ...options, ...asked, metrics, classes, label, progress: output });
    checkPrepared(command, options, prepared);
    await startEngine(options.engine, output);
    const { count, convention, classifierSteps } = options;
    const result = await interruptible((signal) =>
      runEvaluation(prepared, { count, convention, classifierSteps, label, progress: output, signal }),
    );
    for (const warning of result.warnings) output.warn(warning);
    for (const [name, value] of evaluationRows(result)) output.print(`${name.padEnd(30)} ${value}`);
    output.result(result);
  });
}
