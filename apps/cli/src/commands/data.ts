import { counted } from '@learngene/pipeline';
import {
  chooseClasses,
  decodeData,
  describeDataset,
  openData,
  writeClassGrid,
  writePacked,
} from '@learngene/trainer/node';
import { Command } from 'commander';
import { type ClassOptions, namedClasses, withClassOptions } from '../cli/classes';
import {
  type ConfigOptions,
  type OutputOptions,
  outputOf,
  refuseUnreadSections,
  refuseUnused,
  resolveConfig,
  wholeNumber,
  withDataOptions,
  withOutputOptions,
} from '../cli/context';
import { checkTarget, withForceOption } from '../cli/target';
import { latentsCommand } from './latents';
import { mergeCommand } from './merge';

interface DataOptions extends OutputOptions, ConfigOptions {
  force: boolean;
}

interface ListOptions extends DataOptions {
  grid?: string;
  columns: number;
}

interface PrepareOptions extends DataOptions, ClassOptions {
  out: string;
}

function listCommand(): Command {
  const command = new Command('list')
    .description('Show the classes of a dataset and how many images each has')
    .option('--grid <file>', 'also write a PNG with the first images of every class')
    .option('--columns <n>', 'images a class in the grid', wholeNumber('--columns', 1), 8);
  withForceOption(command);
  withDataOptions(command);
  withOutputOptions(command, [
    'learngene data list --data emoji',
    'learngene data list --data photos --grid photos.png',
  ]);
  return command.action(async (options: ListOptions) => {
    const output = outputOf(options);
    refuseUnreadSections(options, 'data list', ['data']);
    if (options.grid === undefined)
      refuseUnused(command, ['columns', 'force'], 'has a part only where --grid is given');
    else checkTarget(options.grid, { option: '--grid', endings: ['.png'], force: options.force });
    const config = await resolveConfig(options);
    const opened = await openData(config.data, output);
    const dataset = await decodeData(opened.dataset, opened.recipe, output);
    if (options.grid !== undefined) {
      await writeClassGrid(options.grid, dataset, options.columns);
      output.info(`Wrote ${options.grid}`);
    }
    const { lines, ...described } = describeDataset(dataset);
    for (const line of lines) output.print(line);
    output.result(described);
  });
}

function prepareCommand(): Command {
  const command = new Command('prepare')
    .description('Decode and resize a dataset once, into one safetensors file that --data reads')
    .requiredOption('--out <file>', 'the .safetensors file to write');
  withClassOptions(command, 'only these classes (default: all)');
  withForceOption(command);
  withDataOptions(command);
  withOutputOptions(command, [
    'learngene data prepare --data photos --size 32 --out photos.safetensors',
    'learngene train --data photos.safetensors --out runs/photos',
  ]);
  return command.action(async (options: PrepareOptions) => {
    const output = outputOf(options);
    refuseUnreadSections(options, 'data prepare', ['data']);
    checkTarget(options.out, { option: '--out', endings: ['.safetensors'], force: options.force });
    const config = await resolveConfig(options);
    const named = namedClasses(options);
    const { dataset: all, recipe } = await openData(config.data, output);
    const view = named === undefined ? all : chooseClasses(all, named, '--classes');
    const dataset = await decodeData(view, recipe, output);
    await writePacked(options.out, dataset);
    const { size, classes, enlarged } = dataset;
    output.print(`${options.out}: ${counted(size, 'image')} of ${counted(classes.length, 'class', 'classes')}`);
    output.result({ file: options.out, size, classes, enlarged });
  });
}

/** `learngene data`: look at datasets and pack them. */
export function dataCommand(): Command {
  return new Command('data')
    .description('Look at a dataset, merge its classes, pack it into one file, or encode it')
    .addCommand(listCommand())
    .addCommand(mergeCommand())
    .addCommand(prepareCommand())
    .addCommand(latentsCommand())
    .addHelpText(
      'after',
      '\nExamples:\n  $ learngene data list --data emoji\n  $ learngene data prepare --data photos --out photos.safetensors',
    );
}
