import { PROTOCOL_NAMES, type Protocol } from '@learngene/trainer/node';
import type { Command } from 'commander';
import type { ClassOptions } from './classes';
import { type ConfigOptions, type EngineOption, type OutputOptions, oneOf, refuseUnreadSections } from './context';
import { UsageError } from './errors';
import { withForceOption } from './target';

/** The options of `learngene evaluate`. */
export interface EvaluateOptions extends OutputOptions, EngineOption, ConfigOptions, ClassOptions {
  from?: string;
  samples?: string;
  reference?: string;
  count: number;
  metrics: string[];
  convention: 'adm' | 'torch-fidelity';
  classifier?: string;
  classifierSteps: number;
  protocol?: Protocol;
  inception?: string;
  saveReference?: string;
  force: boolean;
}

/** Adds the options of an evaluation by the protocol of a program. */
export function withProtocolOptions(command: Command): Command {
  command
    .addOption(oneOf('--protocol <name>', 'measure as this program does, with Inception', PROTOCOL_NAMES))
    .option('--inception <weights>', 'with --protocol: weights of Inception (.pth, .pt, .safetensors or hf://...)')
    .option('--save-reference <npz>', 'with --protocol: keep the statistics of the images of --reference');
  return withForceOption(command);
}

/** Refuses a call without samples, or with two kinds, and sections of the configuration that are not read. */
export function checkSamplesNamed(options: EvaluateOptions): void {
  if (options.from !== undefined && options.samples !== undefined) {
    throw new UsageError('evaluate: give one of --from and --samples');
  }
  if (options.from === undefined && options.samples === undefined) {
    throw new UsageError('evaluate: give --from (a run or a bundle) or --samples (an npz or npy)');
  }
  refuseUnreadSections(options, 'evaluate', ['data', 'sampling', 'seed']);
}
