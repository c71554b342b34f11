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
    if (text.trim() === '' || !Number.isSafeInteger(value) || value < minimum) {
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

/** Names separated by commas, or a JSON array of names, for names that hold commas. */
export function list(text: string): string[] {
  if (text.trim().startsWith('[')) {
    let names: unknown;
    try {
      names = JSON.parse(text);
    } catch (error) {
      throw new UsageError(`expected names separated by commas or a JSON array, got ${text}`, { cause: error });
    }
    if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) {
      throw new UsageError(`expected a JSON array of names, got ${text}`);
    }
    return names;
  }
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

/** What was asked for, as a partial configuration: the file, then the flags and those of the command, then --set. */
export async function requestedConfig(
  options: ConfigOptions,
  flags: Record<string, unknown> = {},
): Promise<Record<string, unknown>> {
  let config = options.config === undefined ? {} : await readConfigFile(options.config);
  config = mergeConfig(config, {
    seed: options.seed,
    data: { source: options.data, path: options.dataPath, size: options.size },
    training: { steps: options.steps, batchSize: options.batchSize, learningRate: options.learningRate },
  });
  config = mergeConfig(config, flags);
  for (const assignment of options.set) config = mergeConfig(config, parseAssignment(assignment));
  return config;
}

/** The flags of a configuration, and others by name, that were given on the command line. */
function givenFlags(options: ConfigOptions, more: readonly string[]): string[] {
  const names = ['config', 'set', 'data', 'dataPath', 'size', 'steps', 'batchSize', 'learningRate', 'seed', ...more];
  const values = options as unknown as Record<string, unknown>;
  const given = names.filter((name) => values[name] !== undefined && (name !== 'set' || options.set.length > 0));
  return given.map((name) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
}

/** Refuses, with --resume, the options that the run's own configuration answers. */
export function refuseConfigOnResume(options: ConfigOptions, more: readonly string[]): void {
  const given = givenFlags(options, more);
  if (given.length > 0) {
    throw new UsageError(`--resume takes the configuration of the run; leave out ${given.join(', ')}`);
  }
}

/** The complete configuration of a command: defaults, file, flags and --set, in rising precedence. */
export async function resolveConfig(options: ConfigOptions, flags: Record<string, unknown> = {}): Promise<Config> {
  return parseConfig(await requestedConfig(options, flags), options.config ?? 'options');
}

/** The terminal output that the common options ask for. */
export function outputOf(options: CommonOptions): Output {
  return createOutput(options);
}
