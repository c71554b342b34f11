import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { importOptional } from './optional-package';
import type { Engine, EngineLoad } from './types';

/** A package that registers the backend `tensorflow`. */
interface Package {
  name: string;
  /** Whether a load without a CUDA device is a failure. */
  wantsGpu: boolean;
  /** What to do where it is not installed or does not load. */
  remedy: string;
  /** A `package.json` to look from first. */
  base?: string;
}

/** tfjs-node 4.22 calls two helpers of `util` that Node 23 removed; this puts them back. */
function restoreUtilHelpers(): void {
  const util = createRequire(import.meta.url)('node:util') as Record<string, unknown>;
  util.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  util.isArray ??= Array.isArray;
}

/** The `package.json` beside the binding that `tools/tfjs-node/build.mjs` made in the workspace around `folder`. */
export function findWorkspaceBuild(folder: string): string | undefined {
  const build = join(folder, 'tools', 'tfjs-node', 'build');
  // The stamp is written last.
  if (existsSync(join(build, 'built.json'))) return join(build, 'package.json');
  const parent = dirname(folder);
  return parent === folder ? undefined : findWorkspaceBuild(parent);
}

async function loadTensorflow({ name, wantsGpu, remedy, base }: Package): Promise<EngineLoad> {
  restoreUtilHelpers();
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '1'; // no greeting on stderr
  const selected = tf.getBackend();
  try {
    const module = await importOptional(name, base);
    if (module === undefined) return { ok: false, reason: 'not installed', remedy };
    const backend = tf.findBackend('tensorflow') as { isUsingGpuDevice?: boolean } | null;
    if (backend === null) return { ok: false, reason: 'loaded, but registered no backend', remedy };
    // The package selects its backend when it is imported; that is for the caller to do.
    if (selected) await tf.setBackend(selected);
    const gpu = backend.isUsingGpuDevice === true;
    if (wantsGpu && !gpu) {
      return {
        ok: false,
        reason: 'loaded, but TensorFlow sees no CUDA device',
        remedy: 'install an NVIDIA driver with CUDA 11.2 and cuDNN 8.1, or use another engine',
      };
    }
    const detail = gpu ? 'libtensorflow on an NVIDIA GPU' : 'libtensorflow on the CPU';
    return { ok: true, backend: 'tensorflow', detail, accelerated: gpu };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message.split('\n')[0] : String(error), remedy };
  }
}

const install = (name: string) =>
  `npm install ${name} (its install script downloads libtensorflow and must be allowed to run)`;

/** libtensorflow with CUDA. */
export const tfjsNodeGpu: Engine = {
  name: 'tfjs-node-gpu',
  title: 'libtensorflow with CUDA (@tensorflow/tfjs-node-gpu)',
  load: () =>
    loadTensorflow({
      name: '@tensorflow/tfjs-node-gpu',
      wantsGpu: true,
      remedy: install('@tensorflow/tfjs-node-gpu'),
    }),
};

/** libtensorflow on the CPU: the workspace's own build, if there is one, else the installed package. */
export const tfjsNode: Engine = {
  name: 'tfjs-node',
  title: 'libtensorflow on the CPU (@tensorflow/tfjs-node)',
  load: () =>
    loadTensorflow({
      name: '@tensorflow/tfjs-node',
      wantsGpu: false,
      remedy: `${install('@tensorflow/tfjs-node')}; in a clone of the repository: node tools/tfjs-node/build.mjs`,
      base: findWorkspaceBuild(dirname(fileURLToPath(import.meta.url))),
    }),
};
