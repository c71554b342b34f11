import type { Command } from 'commander';
import { Option } from 'commander';
import { mergeConfig, parseAssignment, parseConfig, readConfigFile } from '../config/load';
import type { Config } from '../config/schema';
import { engineNames } from '../engines/types';
import { UsageError } from './errors';
import { createOutput, type Output } from './output';

/** The options that every command takes. */
export interface CommonOptions {
  json: boolean;
  quiet: boolean;
  debug: boolean;
  engine: (typeof engineNames)[number] | 'auto';
  seed?: number;
}

/** A whole number from the command line. */
export function wholeNumber(name: string, minimum = 0) {
  return (text: string): number => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < minimum) {
      throw new UsageError(`${name}: expected a whole number of at least ${minimum}, got ${text}`);
    }
    return value;
  };
}

/** A number from the command line. */
export function number(name: string, minimum = 0) {
  return (text: string): number => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value) || value < minimum) {
      throw new UsageError(`${name}: expected a number of at least ${minimum}, got ${text}`);
    }
    return value;
  };
}

/** Names separated by commas. */
export function list(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** Adds the common options and the examples shown under `--help`. */
export function withCommonOptions(command: Command, examples: readonly string[]): Command {
  return command
    .addOption(new Option('--engine <name>', 'compute engine').choices(['auto', ...engineNames]).default('auto'))
    .option('--seed <n>', 'seed of all randomness', wholeNumber('--seed'))
    .option('--json', 'print one JSON document on standard output', false)
    .option('--quiet', 'print results and errors only', false)
    .option('--debug', 'print the stack of an error', false)
    .addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}`);
}

/** Adds the options that give a configuration. */
export function withConfigOptions(command: Command): Command {
  return command
    .option('--config <file>', 'JSON configuration file')
    .option('--set <key=value>', 'set one key of the configuration; may be repeated', collect, [])
    .option('--data <source>', 'emoji, folder, idx, cifar10, cifar100 or packed')
    .option('--data-path <path>', 'folder or file of the data')
    .option('--size <pixels>', 'pixels a side', wholeNumber('--size', 4))
    .option('--steps <n>', 'optimiser steps', wholeNumber('--steps', 1))
    .option('--batch-size <n>', 'pictures a step', wholeNumber('--batch-size', 1))
    .option('--learning-rate <x>', 'AdamW learning rate', number('--learning-rate'));
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

/** The options of {@link withConfigOptions}. */
export interface ConfigOptions {
  config?: string;
  set: string[];
  data?: string;
  dataPath?: string;
  size?: number;
  steps?: number;
  batchSize?: number;
  learningRate?: number;
  seed?: number;
}

/** What was asked for, as a partial configuration: the file first, then the flags. */
export async function requestedConfig(options: ConfigOptions): Promise<Record<string, unknown>> {
  let config = options.config === undefined ? {} : await readConfigFile(options.config);
  config = mergeConfig(config, {
    seed: options.seed,
    data: { source: options.data, path: options.dataPath, size: options.size },
    training: { steps: options.steps, batchSize: options.batchSize, learningRate: options.learningRate },
  });
  for (const assignment of options.set) config = mergeConfig(config, parseAssignment(assignment));
  return config;
}

/** The complete configuration of a command: defaults of the command, file, flags, in rising precedence. */
export async function resolveConfig(options: ConfigOptions, base: Record<string, unknown> = {}): Promise<Config> {
  return parseConfig(mergeConfig(base, await requestedConfig(options)), options.config ?? 'options');
}

/** The terminal output that the common options ask for. */
export function outputOf(options: CommonOptions): Output {
  return createOutput(options);
}
