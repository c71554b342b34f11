import { ConfigError } from '@learngene/pipeline';
import { Command, CommanderError } from 'commander';
import pc from 'picocolors';
import packageJson from '../package.json' with { type: 'json' };
import { errorLine, exitCode, isUsageError, UsageError } from './cli/errors';
import { fetchModels } from './cli/fetch-models';
import { unknownOptionsFirst } from './cli/unknown-options-first';
import { assembleCommand } from './commands/assemble';
import { benchCommand } from './commands/bench';
import { bundleCommand } from './commands/bundle';
import { configCommand } from './commands/config';
import { convertCommand } from './commands/convert';
import { dataCommand } from './commands/data';
import { decomposeCommand } from './commands/decompose';
import { demoCommand } from './commands/demo';
import { doctorCommand } from './commands/doctor';
import { evaluateCommand } from './commands/evaluate';
import { exportCommand } from './commands/export';
import { inspectCommand } from './commands/inspect';
import { reportCommand } from './commands/report';
import { sampleCommand } from './commands/sample';
import { trainCommand } from './commands/train';
import { transferCommand } from './commands/transfer';
import { vaeCommand } from './commands/vae';

function createProgram(): Command {
  const program = new Command('learngene')
    .description('Train, take apart, adapt, sample and score KIND diffusion models')
    .version(packageJson.version)
    .showHelpAfterError('(add --help for the options and examples)')
    .showSuggestionAfterError()
    .exitOverride();
  const commands = [
    dataCommand(),
    trainCommand(),
    transferCommand(),
    sampleCommand(),
    evaluateCommand(),
    decomposeCommand(),
    assembleCommand(),
    bundleCommand(),
    exportCommand(),
    convertCommand(),
    inspectCommand(),
    reportCommand(),
    configCommand(),
    doctorCommand(),
    demoCommand(),
    benchCommand(),
    vaeCommand(),
  ];
  for (const command of commands) {
    inheritSettings(command, program);
    program.addCommand(command);
  }
  return program;
}

/** Gives a command and its own commands the settings of the program: errors that throw, hints after them. */
function inheritSettings(command: Command, from: Command): void {
  command.copyInheritedSettings(from);
  unknownOptionsFirst(command);
  fetchModels(command);
  for (const own of command.commands) inheritSettings(own, command);
}

// A reader that has seen enough, as in `learngene inspect run | head`, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

/** The error as the one JSON document of a call with `--json`. */
function printErrorDocument(error: unknown, code: number): void {
  const name = isUsageError(error) ? 'UsageError' : error instanceof Error ? error.name : 'Error';
  const message = errorLine(error).replace(/^error: /, '');
  process.stdout.write(`${JSON.stringify({ error: { name, message, exitCode: code } }, null, 2)}\n`);
}

/** Says what went wrong, in one line on stderr and with `--json` as a document too, and sets the exit code. */
function report(error: unknown): void {
  // What commander throws it has printed already; help and the version are no errors.
  const printed = error instanceof CommanderError;
  if (printed && error.exitCode === 0) return;
  const code = printed ? 2 : exitCode(error);
  process.exitCode = code;
  if (process.argv.includes('--json')) printErrorDocument(printed ? new UsageError(error.message) : error, code);
  if (printed) return;
  process.stderr.write(`${pc.red('error')} ${errorLine(error)}\n`);
  if (process.argv.includes('--debug') && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  else if (error instanceof UsageError || (error instanceof ConfigError && error.argument !== undefined))
    process.stderr.write('(add --help for the options and examples)\n');
}

async function main(): Promise<void> {
  try {
    await createProgram().parseAsync();
  } catch (error) {
    report(error);
  }
}

// An error that no call waits for, as of a stream, ends the process by the same line.
process.on('uncaughtException', (error) => {
  report(error);
  process.exit();
});

await main();
