import { PROTOCOL_NAMES, type Protocol } from '@learngene/trainer/node';
import type { Command } from 'commander';
import type { ClassOptions } from './classes';
import {
  type ConfigOptions,
  type EngineOption,
  type OutputOptions,
  oneOf,
  refuseUnreadSections,
  refuseUnused,
} from './context';
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

/** Refuses what would change nothing in this call. */
export function refuseWithoutPart(command: Command, options: EvaluateOptions): void {
  if (options.from !== undefined && options.samples !== undefined) {
    throw new UsageError('evaluate: give one of --from and --samples');
  }
  if (options.from === undefined && options.samples === undefined) {
    throw new UsageError('evaluate: give --from (a run or a bundle) or --samples (an npz or npy)');
  }
  refuseUnreadSections(options, 'evaluate', ['data', 'sampling', 'seed']);
  if (options.protocol === undefined) {
    refuseUnused(command, ['inception', 'saveReference', 'force'], 'has a part with --protocol alone');
  } else {
    const why = `has no part with --protocol: ${options.protocol} settles it`;
    refuseUnused(command, ['convention', 'classifier', 'classifierSteps'], why);
    const data = ['data', 'dataPath', 'size', 'latents'];
    refuseUnused(command, data, 'has no part with --protocol: give the real images by --reference');
    if (options.saveReference === undefined) refuseUnused(command, ['force'], 'has no part without --save-reference');
    if (options.samples !== undefined) {
      const unread = ['config', 'seed', 'vae', 'classes', 'class'];
      refuseUnused(command, unread, 'has no part with --protocol and --samples: nothing is drawn');
      if (options.set.length > 0)
        throw new UsageError('--set: has no part with --protocol and --samples: nothing is drawn');
    }
  }
  if (options.samples !== undefined) {
    refuseUnused(command, ['count'], 'has no part with --samples: all samples of the file count');
  }
  if (options.reference !== undefined && options.protocol === undefined) {
    refuseUnused(command, ['data', 'dataPath', 'size', 'config'], 'has no part with --reference');
    if (options.samples !== undefined)
      refuseUnused(command, ['classes', 'class'], 'has no part in comparing two files');
  }
}
