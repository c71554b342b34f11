import type { Command } from 'commander';
import type { ClassOptions } from './classes';
import {
  type ConfigOptions,
  type EngineOption,
  type OutputOptions,
  refuseUnreadSections,
  refuseUnused,
} from './context';
import { UsageError } from './errors';

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
}

/** Refuses what would change nothing in this call. */
export function refuseWithoutPart(command: Command, options: EvaluateOptions): void {
  if (options.from !== undefined && options.samples !== undefined) {
    throw new UsageError('evaluate: give one of --from and --samples');
  }
  if (options.from === undefined && options.samples === undefined) {
    throw new UsageError('evaluate: give --from (a run or a bundle) or --samples (an npz or npy)');
  }
  refuseUnreadSections(options, 'evaluate', ['data', 'sampling', 'seed']);
  if (options.samples !== undefined) {
    refuseUnused(command, ['count'], 'has no part with --samples: all samples of the file count');
  }
  if (options.reference !== undefined) {
    refuseUnused(command, ['data', 'dataPath', 'size', 'config'], 'has no part with --reference');
    if (options.samples !== undefined)
      refuseUnused(command, ['classes', 'class'], 'has no part in comparing two files');
  }
}
