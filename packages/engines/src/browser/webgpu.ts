import * as tf from '@tensorflow/tfjs-core';
import { guardBackend } from '../device-errors';
import { describeAdapter } from '../gpu-adapter';
import type { Engine } from '../types';
import { couldNotLoad } from './could-not-load';

/** Any graphics processor through the browser's WebGPU; software adapters are reported as not accelerated. */
export const webgpu: Engine<'webgpu'> = {
  name: 'webgpu',
  title: "the graphics processor through the browser's WebGPU (@tensorflow/tfjs-backend-webgpu)",
  acceleratorOnly: true,
  async load() {
    const gpu = (globalThis.navigator as { gpu?: GPU } | undefined)?.gpu;
    if (gpu === undefined) {
      const remedy = globalThis.isSecureContext
        ? 'use a browser that has WebGPU'
        : 'serve the page over https or from localhost: elsewhere browsers hide WebGPU';
      return { ok: false, reason: 'there is no WebGPU here (navigator.gpu)', remedy };
    }
    try {
      await import('@tensorflow/tfjs-backend-webgpu');
    } catch (error) {
      return couldNotLoad('@tensorflow/tfjs-backend-webgpu', error);
    }
    try {
      const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
      if (adapter === null) {
        const remedy = 'turn on hardware acceleration in the settings of the browser, or use another engine';
        return { ok: false, reason: 'WebGPU offers no adapter', remedy };
      }
      return { ok: true, backend: 'webgpu', ...describeAdapter(adapter) };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { ok: false, reason, remedy: 'use another engine' };
    }
  },
  selected() {
    guardBackend(tf.backend());
  },
};
