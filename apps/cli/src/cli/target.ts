import { checkTarget as checkAnyTarget, type TargetOptions } from '@learngene/trainer/node';
import type { Command } from 'commander';

/** The files of a bundle: what `--force` may replace a folder of. */
export const BUNDLE_ENTRIES = ['kind.json', 'learngenes.safetensors', 'shared.safetensors', 'tailors'];

/** Adds the option that lets a command replace what is there. */
export function withForceOption(command: Command): Command {
  return command.option('--force', 'replace what is there already', false);
}

/** Checks a path that a command will write, before any work is done; `--force` lets it replace what is there. */
export function checkTarget(path: string, options: Omit<TargetOptions, 'forceName'>): void {
  checkAnyTarget(path, { ...options, forceName: '--force' });
}
