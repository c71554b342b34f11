import { Command, CommanderError } from 'commander';
import pc from 'picocolors';
import packageJson from '../package.json' with { type: 'json' };
import { errorLine, exitCode, UsageError } from './cli/errors';
import { assembleCommand } from './commands/assemble';
import { benchCommand } from './commands/bench';
import { dataCommand } from './commands/data';
import { decomposeCommand } from './commands/decompose';
import { demoCommand } from './commands/demo';
import { doctorCommand } from './commands/doctor';
import { evaluateCommand } from './commands/evaluate';
import { inspectCommand } from './commands/inspect';
import { sampleCommand } from './commands/sample';
import { trainCommand } from './commands/train';
import { transferCommand } from './commands/transfer';

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
    inspectCommand(),
    doctorCommand(),
    demoCommand(),
    benchCommand(),
  ];
  for (const command of commands) program.addCommand(command.copyInheritedSettings(program));
  return program;
}

// A reader that has seen enough, as in `learngene inspect run | head`, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

async function main(): Promise<void> {
  const program = createProgram();
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    process.stderr.write(`${pc.red('error')} ${errorLine(error)}\n`);
    if (process.argv.includes('--debug') && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    else if (error instanceof UsageError) process.stderr.write('(add --help for the options and examples)\n');
    process.exitCode = exitCode(error);
  }
}

await main();
