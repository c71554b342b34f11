import * as tf from '@tensorflow/tfjs-core';
import { guardBackend } from '../device-errors';
import { describeAdapter } from '../gpu-adapter';
import type { Engine, EngineLoad } from '../types';
import { installCommand } from './install-command';
import { findOptional, importOptional } from './optional-package';
import { missingPiece } from './vulkan';

interface Dawn {
  create(options: string[]): GPU;
  globals: object;
}

/** The packages and the versions that this was tested with. */
const PACKAGES = { webgpu: 'webgpu@0.6', '@tensorflow/tfjs-backend-webgpu': '@tensorflow/tfjs-backend-webgpu@4.22' };

const names = Object.keys(PACKAGES) as (keyof typeof PACKAGES)[];

let dawnGpu: GPU | undefined;

/** Any vendor's GPU through Dawn; software adapters are reported as not accelerated. */
export const webgpu: Engine<'webgpu'> = {
  name: 'webgpu',
  title: 'any GPU through WebGPU (webgpu and @tensorflow/tfjs-backend-webgpu)',
  acceleratorOnly: true,
  async load() {
    const absent = names.filter((name) => findOptional(name) === undefined);
    if (absent.length > 0) return notInstalled(absent);
    try {
      const gpu = provideGpu((await importOptional('webgpu')) as unknown as Dawn);
      await importOptional('@tensorflow/tfjs-backend-webgpu'); // registers itself where it finds WebGPU's globals
      return await findAdapter(gpu);
    } catch (error) {
      const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
      return { ok: false, reason, remedy: `reinstall it: ${installCommand(Object.values(PACKAGES))}` };
    }
  },
  selected() {
    guardBackend(tf.backend());
  },
};

function notInstalled(absent: readonly (keyof typeof PACKAGES)[]): EngineLoad {
  // On a Mac its install script lifts the quarantine of the downloaded library.
  const allowScripts = process.platform === 'darwin' ? ['webgpu'] : [];
  const list = absent.map((name) => PACKAGES[name]);
  return {
    ok: false,
    reason: `${absent.join(' and ')} ${absent.length > 1 ? 'are' : 'is'} not installed`,
    remedy: installCommand(list, {}, { allowScripts }),
  };
}

/** Puts Dawn where the backend looks for WebGPU: at the globals and `navigator.gpu`, which Node does not have. */
function provideGpu({ globals, create }: Dawn): GPU {
  if (dawnGpu !== undefined) return dawnGpu;
  Object.assign(globalThis, globals);
  dawnGpu = create([]);
  if (typeof globalThis.navigator === 'undefined') {
    Object.defineProperty(globalThis, 'navigator', { value: {}, configurable: true });
  }
  if (!('gpu' in globalThis.navigator)) {
    Object.defineProperty(globalThis.navigator, 'gpu', { value: dawnGpu, configurable: true });
  }
  return dawnGpu;
}

async function findAdapter(gpu: GPU): Promise<EngineLoad> {
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) return { ok: false, ...missingPiece() };
  if (tf.findBackendFactory('webgpu') === null) {
    return { ok: false, reason: 'loaded, but registered no backend', remedy: installCommand(Object.values(PACKAGES)) };
  }
  return { ok: true, backend: 'webgpu', ...describeAdapter(adapter) };
}
