import { Command, InvalidArgumentError, Option } from 'commander';
import { engineNames } from './engine-names';

/** What the command line asks for. */
export interface Options {
  /** Only the main rows, in short rounds. */
  quick: boolean;
  /** Only rows whose name or section matches. */
  only?: RegExp;
  /** How long the rounds of a row may take, s, where `--quick` and the default are not wanted. */
  budget?: number;
  /** Engine of our side. */
  engine: (typeof engineNames)[number];
  /** Print the results as JSON at the end. */
  json: boolean;
  /** Print where our time goes in each row, compare nothing. */
  profile: boolean;
  /** Print the names of the rows and stop. */
  list: boolean;
}

/** Reads the command line; prints help or a complaint and exits where that is wanted. */
export function parseOptions(argv: readonly string[]): Options {
  const expression = (text: string) => {
    try {
      return new RegExp(text, 'i');
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  };
  const seconds = (text: string) => {
    const value = Number(text);
    if (!(value > 0 && Number.isFinite(value)))
      throw new InvalidArgumentError('Expected a positive number of seconds.');
    return value;
  };
  return new Command('npm run bench --')
    .description('Measures the packages against PyTorch and scikit-learn on this machine.')
    .option('--quick', 'the main rows in under six minutes', false)
    .option('--only <regex>', 'rows whose section or name matches; other rows of latest.json are kept', expression)
    .option('--budget <seconds>', 'time for the rounds of a row (default 12, with --quick 1.2)', seconds)
    .addOption(new Option('--engine <name>', 'engine of our side').choices(engineNames).default('native'))
    .option('--json', 'print the results as JSON', false)
    .option('--profile', 'print where our time goes, by kernel, and compare nothing', false)
    .option('--list', 'print the names of the rows', false)
    .parse(argv, { from: 'user' })
    .opts<Options>();
}
