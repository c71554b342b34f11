import { version_core } from '@tensorflow/tfjs-core';
import packageJson from '../../../../apps/cli/package.json' with { type: 'json' };

/** Versions that a run records. */
export function versions(): Record<string, string> {
  return { node: process.version, '@learngene/cli': packageJson.version, '@tensorflow/tfjs-core': version_core };
}
