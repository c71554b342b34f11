import { type MergeRequest, mergeData, openData, writeMergedData } from '@learngene/trainer/node';
import { Command } from 'commander';
import {
  type ConfigOptions,
  type OutputOptions,
  outputOf,
  refuseUnreadSections,
  resolveConfig,
  wholeNumber,
  withDataOptions,
  withOutputOptions,
  withSeedOption,
} from '../cli/context';
import { checkTarget, withForceOption } from '../cli/target';

type MergeOptions = OutputOptions & ConfigOptions & MergeRequest & { out: string; force: boolean };

/** `learngene data merge`: merge classes to superclasses. */
export function mergeCommand(): Command {
  const command = new Command('merge')
    .description('Merge the classes of a dataset to superclasses, into a configuration that train --config reads')
    .requiredOption('--by <how>', 'wordnet, learngene-606-v1, or a JSON or TSV file of class and superclass')
    .option('--most-leaves <n>', 'wordnet: classes that a superclass may have', wholeNumber('--most-leaves', 1))
    .option('--pretrain <n>', 'superclasses to draw to pre-train on; others are novel', wholeNumber('--pretrain', 1))
    .requiredOption('--out <file>', 'the .json file to write');
  withForceOption(command);
  withDataOptions(command);
  withSeedOption(command);
  withOutputOptions(command, [
    'learngene data merge --data imagenet/train --by learngene-606-v1 --out superclasses.json',
    'learngene train --config superclasses.json --data imagenet/train --out runs/imagenet',
  ]);
  return command.action(async ({ by, mostLeaves, pretrain, ...options }: MergeOptions) => {
    const output = outputOf(options);
    refuseUnreadSections(options, 'data merge', ['data']);
    checkTarget(options.out, { option: '--out', endings: ['.json'], force: options.force });
    const config = await resolveConfig(options);
    const { dataset, recipe } = await openData(config.data, output);
    const request = { by, mostLeaves, pretrain, seed: options.seed };
    const { data, line } = await mergeData(dataset, request, recipe.classNames);
    await writeMergedData(options.out, data);
    output.print(`${options.out}: ${line}`);
    output.result({ file: options.out, data });
  });
}
