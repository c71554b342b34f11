import { version_core } from '@tensorflow/tfjs-core';
import packageJson from '../../package.json' with { type: 'json' };

/** Versions that a run records. */
export function versions(): Record<string, string> {
  return { node: process.version, '@learngene/trainer': packageJson.version, '@tensorflow/tfjs-core': version_core };
}
