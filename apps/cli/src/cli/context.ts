import { NODE_ENGINE_NAMES, type NodeEngineName } from '@learngene/engines';
import type { Config } from '@learngene/pipeline';
import { mergeConfig, nearestWord, parseAssignment, parseConfig, SHIPPED_AUTOENCODERS } from '@learngene/pipeline';
import { autoencoderAt, finiteNumber as number, readConfigFile, wholeNumber } from '@learngene/pipeline/node';
import type { Command } from 'commander';
import { Option } from 'commander';
import { dataOfFlags, dataWords } from './data-flags';
import { UsageError } from './errors';

export { parseNames as list } from '@learngene/pipeline';
export { createOutput as outputOf } from './output';
export { number, wholeNumber };

/** The options of {@link withOutputOptions}. */
export interface OutputOptions {
  json: boolean;
  quiet: boolean;
  debug: boolean;
}

/** The option of {@link withEngineOption}. */
export interface EngineOption {
  engine: NodeEngineName | 'auto';
}

/** Adds the options of every command, and the examples shown under `--help`. */
export function withOutputOptions(command: Command, examples: readonly string[]): Command {
  return command
    .option('--json', 'print one JSON document on standard output; of an error, too', false)
    .option('--quiet', 'print results, warnings and errors only', false)
    .option('--debug', 'print the stack of an error, and why an engine was chosen', false)
    .addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}`);
}

/** An option whose value is one of some words. */
export const oneOf = (flags: string, words: string, choices: readonly string[]): Option =>
  new Option(flags, words).choices(choices);

/** Adds the choice of the engine, for commands that compute. */
export function withEngineOption(command: Command, words = 'compute engine'): Command {
  return command.addOption(
    new Option('--engine <name>', words).choices(['auto', ...NODE_ENGINE_NAMES]).default('auto'),
  );
}

/** Adds the seed, for commands that draw random numbers. */
export function withSeedOption(command: Command): Command {
  return command.option('--seed <n>', 'seed of all randomness', wholeNumber('--seed'));
}

/** Adds the options that say which images are read. */
export function withDataOptions(command: Command): Command {
  return command
    .option('--config <file>', 'JSON configuration file')
    .option('--set <key=value>', 'set one key of the configuration; may be repeated', collect, [])
    .option('--data <path>', dataWords)
    .option('--data-path <path>', 'where data of that kind lie, or those of a recipe now')
    .option('--size <pixels>', 'pixels a side', wholeNumber('--size', 4));
}

/** The words for the help of `--vae`. */
const vaeWords = `autoencoder in whose latents the model works, or where it lies now: a folder, or a shipped one (${SHIPPED_AUTOENCODERS.join(', ')})`;

/** Adds the autoencoder and, unless a command writes them, the latents. */
export function withLatentOptions(command: Command, { latents = true } = {}): Command {
  command.option('--vae <autoencoder>', vaeWords);
  return latents ? command.option('--latents <folder>', 'latents of the images, of learngene data latents') : command;
}

/** An option as it is written on the command line: `batchSize` is `--batch-size`. */
export const flagOf = (name: string) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/**
 * Refuses options that would change nothing in this call.
 *
 * @param why Follows their names, as in `has no part in --samples`.
 * @throws UsageError naming them
 */
export function refuseUnused(command: Command, names: readonly string[], why: string): void {
  const given = names.filter((name) => command.getOptionValueSource(name) === 'cli').map(flagOf);
  if (given.length > 0) throw new UsageError(`${given.join(', ')}: ${why}`);
}

/**
 * Refuses `--set` of sections that a command does not read.
 *
 * @throws UsageError naming the key and the sections that count here
 */
export function refuseUnreadSections(options: { set: string[] }, name: string, sections: readonly string[]): void {
  for (const assignment of options.set) {
    const section = assignment.split(/[.=]/, 1)[0];
    if (sections.includes(section)) continue;
    const read = sections.map((part) => `${part}.*`).join(' and ');
    const near = nearestWord(section, sections);
    const hint = near === undefined ? '' : `; did you mean ${near}${assignment.slice(section.length)}?`;
    throw new UsageError(`--set ${assignment}: ${name} reads ${read} of the configuration only${hint}`);
  }
}

/** Gathers the values of an option that may be repeated. */
export function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

/** The options of {@link withDataOptions}, {@link withSeedOption} and {@link withRunOptions}. */
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
  vae?: string;
  latents?: string;
  hold?: boolean;
}

/** What was asked for, as a partial configuration: the file, then the flags and those of the command, then --set. */
export async function requestedConfig(
  options: ConfigOptions,
  flags: Record<string, unknown> = {},
): Promise<Record<string, unknown>> {
  let config = options.config === undefined ? {} : await readConfigFile(options.config);
  const data = dataOfFlags(options);
  if (options.data !== undefined) config = { ...config, data: withoutPlace(config.data) };
  config = mergeConfig(config, {
    seed: options.seed,
    data: { ...data, size: options.size },
    autoencoder: options.vae === undefined ? undefined : autoencoderAt(options.vae),
    training: { steps: options.steps, batchSize: options.batchSize, learningRate: options.learningRate },
  });
  config = mergeConfig(config, flags);
  for (const assignment of options.set) config = mergeConfig(config, parseAssignment(assignment));
  return config;
}

/** The data of a configuration file without the place that --data replaces. */
function withoutPlace(data: unknown): unknown {
  if (typeof data !== 'object' || data === null) return data;
  const { source: _, path: __, ...rest } = data as Record<string, unknown>;
  return rest;
}

/**
 * What --resume takes: where the data of the run lie now (`--data-path`, `--latents` and `--vae`), and the configuration that
 * was asked for, which has to be the run's, all but the steps.
 */
export async function continuation(options: ConfigOptions, flags: Record<string, unknown> = {}) {
  const { dataPath: place, latents, vae: autoencoder, hold, ...rest } = options;
  return { place, latents, autoencoder, hold, requested: await requestedConfig(rest, flags) };
}

/** Adds the options of a command that trains in a run folder. */
export function withRunOptions(command: Command, { latents = true } = {}): Command {
  command
    .option('--resume', 'continue from the newest checkpoint, bit for bit; more --steps extend the run', false)
    .option('--hold', 'with --resume and more --steps: keep the last learning rate (else the schedule is stretched)');
  withDataOptions(command);
  if (latents) withLatentOptions(command);
  command
    .option('--steps <n>', 'optimiser steps', wholeNumber('--steps', 1))
    .option('--batch-size <n>', 'images a step', wholeNumber('--batch-size', 1))
    .option('--learning-rate <x>', 'AdamW learning rate', number('--learning-rate'));
  return withEngineOption(withSeedOption(command));
}

/** The value of an option that was given, not its default. */
export function given<T>(command: Command, name: string, value: T): T | undefined {
  return command.getOptionValueSource(name) === 'cli' ? value : undefined;
}

/** The complete configuration of a command: defaults, file, flags and --set, in rising precedence. */
export async function resolveConfig(options: ConfigOptions, flags: Record<string, unknown> = {}): Promise<Config> {
  return parseConfig(await requestedConfig(options, flags), options.config ?? 'options');
}
