import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { addonFileFault } from '@learngene/backend-native';
import type { NodeEngineName } from '../types';
import { type InstallPlace, installCommand } from './install-command';
import type { TensorflowProbe } from './tensorflow-probe';
import { asTyped, findAbove } from './workspace';

/** One of the two packages that register the backend `tensorflow`. */
export interface TensorflowPackage {
  /** Its name on npm. */
  name: string;
  /** The engine that it is. */
  engine: NodeEngineName;
  /** Whether a load that computes on the CPU is a failure. */
  wantsGpu: boolean;
  /** Folder of `tools/tfjs-node` that its build in the workspace is in. */
  folder: string;
  /** What `tools/tfjs-node/build.mjs` is called with. */
  flags: string;
  /** What its own libtensorflow wants, for the remedy. */
  needs: string;
}

/** libtensorflow on the CPU. */
export const CPU_PACKAGE: TensorflowPackage = {
  name: '@tensorflow/tfjs-node',
  engine: 'tfjs-node',
  wantsGpu: false,
  folder: 'build',
  flags: '',
  needs: 'its install script downloads libtensorflow and must be allowed to run',
};

/** libtensorflow with CUDA. */
export const GPU_PACKAGE: TensorflowPackage = {
  name: '@tensorflow/tfjs-node-gpu',
  engine: 'tfjs-node-gpu',
  wantsGpu: true,
  folder: 'build-gpu',
  flags: ' --gpu',
  needs: 'its install script downloads libtensorflow 2.9, for CUDA 11.2 and cuDNN 8.1, and must be allowed to run',
};

/** The `package.json` beside the binding that `tools/tfjs-node/build.mjs` made in the workspace around `folder`. */
export function findWorkspaceBuild(build: string, folder?: string): string | undefined {
  // The stamp is written last.
  const stamp = findAbove(join('tools', 'tfjs-node', build, 'built.json'), folder);
  return stamp && join(dirname(stamp), 'package.json');
}

/**
 * How to get a package: by `tools/tfjs-node` in a clone on Linux, elsewhere from npm, whose install script downloads it.
 *
 * @param place Where this package is and the process runs, by default as they are.
 */
export function installRemedy({ name, flags, needs }: TensorflowPackage, place: InstallPlace = {}): string {
  const tool = findAbove(join('tools', 'tfjs-node', 'build.mjs'), place.self && dirname(place.self));
  if (tool !== undefined && process.platform === 'linux' && process.arch === 'x64')
    return `node ${asTyped(tool)}${flags}`;
  return `${installCommand([name], place, { allowScripts: [name] })} (${needs})`;
}

/**
 * Why the system must not be asked to load a package's native files, which may be cut off or another processor's.
 *
 * @param main The package's main file, `dist/index.js`.
 * @returns a sentence that names the file, or undefined where nothing speaks against it
 */
export function findNativeFault(main: string): string | undefined {
  const folder = join(dirname(main), '..');
  const libraries = ['deps/lib/libtensorflow.so', 'deps/lib/libtensorflow_framework.so'];
  const files = [...(process.platform === 'linux' ? libraries : []), 'lib/napi-v8/tfjs_binding.node'];
  for (const file of files.map((name) => join(folder, name))) {
    const fault = existsSync(file) ? addonFileFault(file) : 'is missing';
    if (fault !== undefined) return `${file} ${fault}`;
  }
  return undefined;
}

/**
 * Why TensorFlow uses no GPU, and what to do about it.
 *
 * @param own Whether it is the workspace's build, on another CUDA than the package from npm.
 * @param install How to get the package.
 */
export function explainNoGpu(
  probe: TensorflowProbe,
  own: boolean,
  install: string,
): { reason: string; remedy: string } {
  const [cuda, driver] = own ? ['CUDA 12 and cuDNN 9', '525.60.13'] : ['CUDA 11.2 and cuDNN 8.1', '450.80.02'];
  const ofDriver = probe.missing.find((name) => /^(libcuda\.so|libnvidia-ml\.so|nvcuda\.dll|nvml\.dll)/.test(name));
  if (ofDriver !== undefined) {
    return {
      reason: `${ofDriver} of NVIDIA's driver was not found; TensorFlow would compute on the CPU`,
      remedy: `install NVIDIA's driver, ${driver} or newer, or use another engine`,
    };
  }
  if (probe.missing.length > 0) {
    return {
      reason: [`TensorFlow finds no ${probe.missing.join(', no ')}`, probe.failure].filter(Boolean).join('; '),
      remedy: own ? `${install} --cuda wheels --force` : `install ${cuda} where the loader of the system finds them`,
    };
  }
  if (probe.failure !== undefined) return { reason: probe.failure, remedy: own ? `${install} --force` : install };
  return {
    reason: `the NVIDIA driver offers TensorFlow no device${probe.driverError ? ` (${probe.driverError})` : ''}`,
    remedy: `see nvidia-smi and CUDA_VISIBLE_DEVICES; ${cuda} want driver ${driver} or newer`,
  };
}
