import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import type { Engine, EngineLoad } from '../types';
import { findOptional, importFile } from './optional-package';
import {
  CPU_PACKAGE,
  explainNoGpu,
  findNativeFault,
  findWorkspaceBuild,
  GPU_PACKAGE,
  installRemedy,
  type TensorflowPackage,
} from './tensorflow-package';
import { probeTensorflow } from './tensorflow-probe';

/** The backend as tfjs-node registers it. */
interface TensorflowBackend {
  isGPUPackage?: boolean;
  isUsingGpuDevice?: boolean;
  binding?: { TF_Version?: string };
}

/** What libtensorflow reads from the environment while it loads. */
const CPU_ENVIRONMENT = {
  TF_CPP_MIN_LOG_LEVEL: '1', // no greeting on stderr
};
const GPU_ENVIRONMENT = {
  ...CPU_ENVIRONMENT,
  TF_ENABLE_ONEDNN_OPTS: '0', // oneDNN is for the CPU, and announces itself on stderr
  TF_FORCE_GPU_ALLOW_GROWTH: 'true', // takes the memory that it needs, not all that the GPU has
  NVIDIA_TF32_OVERRIDE: '0', // f32 products are f32
};

/** tfjs-node 4.22 calls two helpers of `util` that Node 23 removed; this puts them back. */
function restoreUtilHelpers(): void {
  const util = createRequire(import.meta.url)('node:util') as Record<string, unknown>;
  util.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  util.isArray ??= Array.isArray;
}

/** Puts into the environment what the user has not set. */
function setDefaults(values: Record<string, string>): void {
  for (const [name, value] of Object.entries(values)) process.env[name] ??= value;
}

const activeBackend = () => tf.findBackend('tensorflow') as TensorflowBackend | null;

/** Imports the package and leaves the backend selected that was. */
async function importPackage(file: string): Promise<TensorflowBackend | null> {
  const selected = tf.getBackend();
  await importFile(file);
  // The package selects its backend when it is imported; that is for the caller to do.
  if (selected) await tf.setBackend(selected);
  return activeBackend();
}

/**
 * Loads a package and registers its backend, if it does what its name says.
 *
 * @param build The `package.json` of the workspace's own build, which is taken before an installed package.
 */
export async function loadTensorflow(
  kind: TensorflowPackage,
  build: string | undefined = findWorkspaceBuild(kind.folder),
): Promise<EngineLoad> {
  const install = installRemedy(kind);
  const file = findOptional(kind.name, build);
  if (file === undefined) return { ok: false, reason: 'not installed', remedy: install };
  const own = build !== undefined && file.startsWith(dirname(build));
  const again = own ? `${install} --force` : install;
  const fail = (reason: string, remedy = again): EngineLoad => ({ ok: false, reason, remedy });
  const fault = findNativeFault(file);
  if (fault !== undefined) return fail(fault);
  const other = activeBackend();
  if (other !== null && other.isGPUPackage !== kind.wantsGpu) {
    const holder = (other.isGPUPackage ? GPU_PACKAGE : CPU_PACKAGE).name;
    return fail(
      `it is installed, but ${holder} is loaded in this process and a process can hold one libtensorflow`,
      `choose ${kind.engine} by its name`,
    );
  }
  restoreUtilHelpers();
  try {
    const defaults = kind.wantsGpu ? GPU_ENVIRONMENT : CPU_ENVIRONMENT;
    const probe = kind.wantsGpu ? await probeTensorflow(file, defaults) : undefined;
    if (probe?.gpu === false) return { ok: false, ...explainNoGpu(probe, own, install) };
    setDefaults(defaults);
    const backend = await importPackage(file);
    if (backend === null) return fail('loaded, but registered no backend');
    const accelerated = backend.isUsingGpuDevice === true;
    if (kind.wantsGpu && !accelerated) return fail('a GPU that was there a moment ago is gone', 'try again');
    const precision = process.env.NVIDIA_TF32_OVERRIDE === '0' ? '' : ', TF32 products';
    const place = accelerated ? `${probe?.device ?? 'an NVIDIA GPU'}${precision}` : 'the CPU';
    const version = backend.binding?.TF_Version;
    return {
      ok: true,
      backend: 'tensorflow',
      detail: `libtensorflow${version ? ` ${version}` : ''} on ${place}`,
      accelerated,
    };
  } catch (error) {
    return fail(error instanceof Error ? (error.message.split('\n')[0] as string) : String(error));
  }
}

/** libtensorflow with CUDA, where it really computes on a GPU. */
export const tfjsNodeGpu: Engine<'tfjs-node-gpu'> = {
  name: 'tfjs-node-gpu',
  title: 'libtensorflow with CUDA (@tensorflow/tfjs-node-gpu)',
  load: () => loadTensorflow(GPU_PACKAGE),
};

/** libtensorflow on the CPU. */
export const tfjsNode: Engine<'tfjs-node'> = {
  name: 'tfjs-node',
  title: 'libtensorflow on the CPU (@tensorflow/tfjs-node)',
  load: () => loadTensorflow(CPU_PACKAGE),
};
