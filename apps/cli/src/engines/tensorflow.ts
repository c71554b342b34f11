import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs-core';
import { importOptional } from './optional-package';
import type { Engine, EngineLoad } from './types';

/** tfjs-node 4.22 calls two helpers of `util` that Node 23 removed; this puts them back. */
function restoreUtilHelpers(): void {
  const util = createRequire(import.meta.url)('node:util') as Record<string, unknown>;
  util.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  util.isArray ??= Array.isArray;
}

async function loadTensorflow(packageName: string, wantsGpu: boolean): Promise<EngineLoad> {
  const remedy = `npm install ${packageName} (its install script downloads libtensorflow and must be allowed to run)`;
  restoreUtilHelpers();
  try {
    const module = await importOptional(packageName);
    if (module === undefined) return { ok: false, reason: 'not installed', remedy };
    const backend = tf.findBackend('tensorflow') as { isUsingGpuDevice?: boolean } | null;
    if (backend === null) return { ok: false, reason: 'loaded, but registered no backend', remedy };
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

/** libtensorflow with CUDA. */
export const tfjsNodeGpu: Engine = {
  name: 'tfjs-node-gpu',
  title: 'libtensorflow with CUDA (@tensorflow/tfjs-node-gpu)',
  load: () => loadTensorflow('@tensorflow/tfjs-node-gpu', true),
};

/** libtensorflow on the CPU. */
export const tfjsNode: Engine = {
  name: 'tfjs-node',
  title: 'libtensorflow on the CPU (@tensorflow/tfjs-node)',
  load: () => loadTensorflow('@tensorflow/tfjs-node', false),
};
