import type { BundleChange, NamedIn } from '@learngene/kind';
import {
  addToBundle,
  changeWords,
  checkBundle,
  listBundle,
  mergeIntoBundle,
  removeFromBundle,
  renameInBundle,
} from '@learngene/pipeline/node';
import { Command, Option } from 'commander';
import { type ClassOptions, namedClasses, withClassOptions } from '../cli/classes';
import {
  type EngineOption,
  type OutputOptions,
  outputOf,
  wholeNumber,
  withEngineOption,
  withOutputOptions,
} from '../cli/context';
import { type Output, printTable } from '../cli/output';
import { startEngine } from '../cli/start-engine';

type AddOptions = OutputOptions & EngineOption & ClassOptions & { as?: string; model?: string; tailorRank?: number };
type NameOptions = OutputOptions & { of?: NamedIn };

/** Says what a bundle holds now, which files were written and deleted, and what was lost. */
function report(output: Output, bundle: string, change: BundleChange): void {
  const { text, warnings, json } = changeWords(bundle, change);
  for (const warning of warnings) output.warn(warning);
  output.print(text);
  output.result(json);
}

/** A command of `learngene bundle`; the first argument is the bundle. */
function subCommand(name: string, description: string, example: string): Command {
  const command = new Command(name).description(description).argument('<bundle>', 'bundle folder');
  return withOutputOptions(command, [`learngene bundle ${name} bundle${example}`]);
}

function withNames(command: Command): Command {
  const words = 'whether names are of groups or of classes (default: whichever there is)';
  return command.addOption(new Option('--of <what>', words).choices(['group', 'class']));
}

function addCommand(): Command {
  const words =
    'Add the classes of a run that was transferred from the bundle, of a file of tailors, or of a LoRA of PEFT';
  const command = subCommand('add', words, ' runs/owls')
    .argument('<source>', 'run folder, file of tailors (tailors/NAME.safetensors of a bundle), or folder of an adapter')
    .option('--as <name>', 'another name for the class, or for a group of several')
    .option('--model <folder>', 'model that an adapter was trained on: transformer of learngene export')
    .option('--tailor-rank <n>', 'most components of an adapter (default: N_t)', wholeNumber('--tailor-rank', 1));
  withClassOptions(command, 'classes of the run to add (default: all)');
  withEngineOption(command, 'compute engine that reads a run or an adapter');
  return command.action(async (bundle: string, source: string, options: AddOptions) => {
    const output = outputOf(options);
    const needEngine = () => startEngine(options.engine, output);
    const { as, model, tailorRank } = options;
    const asked = { classes: namedClasses(options), as, model, tailorRank, needEngine };
    report(output, bundle, await addToBundle(bundle, source, asked));
  });
}

function removeCommand(): Command {
  const command = subCommand('remove', 'Remove groups, or single classes of a group', ' owl cat');
  command.argument('<names...>', 'groups or classes');
  return withNames(command).action(async (bundle: string, names: string[], options: NameOptions) => {
    report(outputOf(options), bundle, await removeFromBundle(bundle, names, { of: options.of }));
  });
}

function renameCommand(): Command {
  const command = subCommand('rename', 'Rename a group or a class', ' owl eagle-owl')
    .argument('<from>', 'the name that it has')
    .argument('<to>', 'the name that it gets');
  return withNames(command).action(async (bundle: string, from: string, to: string, options: NameOptions) => {
    report(outputOf(options), bundle, await renameInBundle(bundle, { from, to, of: options.of }));
  });
}

function mergeCommand(): Command {
  const words = 'Add all groups of another bundle of the same base; groups that both have are one';
  const command = subCommand('merge', words, ' bundle-of-a-friend').argument('<other>', 'bundle folder that is read');
  return command.action(async (bundle: string, other: string, options: OutputOptions) => {
    report(outputOf(options), bundle, await mergeIntoBundle(bundle, other));
  });
}

function listCommand(): Command {
  const command = subCommand('list', 'List groups, classes and files', '');
  return command.action(async (bundle: string, options: OutputOptions) => {
    const output = outputOf(options);
    const { rows, ...list } = await listBundle(bundle);
    printTable(output, rows);
    output.result(list);
  });
}

function verifyCommand(): Command {
  const words = 'Check every file, the hash of the base, and what tailors say of themselves';
  return subCommand('verify', words, '').action(async (bundle: string, options: OutputOptions) => {
    const output = outputOf(options);
    const { rows, ...check } = await checkBundle(bundle);
    printTable(output, rows);
    output.result(check);
    if (check.problems.length > 0) process.exitCode = 1;
  });
}

/** `learngene bundle`: classes join a bundle, leave it, and change their names. */
export function bundleCommand(): Command {
  const command = new Command('bundle').description(
    'Add, remove, rename, merge, list and check the classes of a bundle',
  );
  const own = [addCommand, removeCommand, renameCommand, mergeCommand, listCommand, verifyCommand];
  for (const make of own) command.addCommand(make());
  return command.addHelpText('after', '\nExamples:\n  $ learngene bundle add bundle runs/owls');
}
