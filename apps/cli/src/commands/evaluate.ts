import { checkMetrics, evaluateSamples, evaluationRows, METRIC_NAMES } from '@learngene/trainer/node';
import { Command } from 'commander';
import { namedClasses, withClassOptions } from '../cli/classes';
import {
  flagOf,
  list,
  oneOf,
  outputOf,
  requestedConfig,
  wholeNumber,
  withDataOptions,
  withEngineOption,
  withLatentOptions,
  withOutputOptions,
  withSeedOption,
} from '../cli/context';
import { checkSamplesNamed, type EvaluateOptions, withProtocolOptions } from '../cli/evaluation';
import { interruptible } from '../cli/interrupt';
import { startEngine } from '../cli/start-engine';

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
  withProtocolOptions(command);
  withClassOptions(command, 'classes to draw and to compare with (default: all)');
  withDataOptions(command);
  withLatentOptions(command);
  withSeedOption(command);
  withEngineOption(command);
  withOutputOptions(command, [
    'learngene evaluate --from runs/emoji --count 500',
    'learngene evaluate --from runs/emoji --classes heart --metrics fid,kid --json',
    'learngene evaluate --samples samples.npz --data photos --size 32',
    'learngene evaluate --protocol adm --samples samples.npz --reference VIRTUAL_imagenet256.npz --inception pt_inception.pth',
    'learngene evaluate --samples samples.npz --reference real.npz --classifier runs/emoji/classifier.safetensors',
  ]);
  return command.action(async (options: EvaluateOptions) => {
    const output = outputOf(options);
    const metrics = checkMetrics(options.metrics, '--metrics');
    checkSamplesNamed(options);
    const [classes, requested] = [namedClasses(options), await requestedConfig(options)];
    const asked = { requested, source: options.config ?? 'options', dataGiven: options.data !== undefined };
    const given = (option: string) => command.getOptionValueSource(option) === 'cli';
    const request = { ...options, ...asked, metrics, classes, given, label: flagOf, progress: output };
    const start = () => startEngine(options.engine, output);
    const result = await evaluateSamples(request, { start, interruptible });
    for (const warning of result.warnings) output.warn(warning);
    for (const [name, value] of evaluationRows(result)) output.print(`${name.padEnd(30)} ${value}`);
    output.result(result);
  });
}
