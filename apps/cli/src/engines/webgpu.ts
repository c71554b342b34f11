import * as tf from '@tensorflow/tfjs-core';
import { importOptional } from './optional-package';
import type { Engine } from './types';

interface Dawn {
  create(options: string[]): GPU;
  globals: object;
}

const software = /swiftshader|llvmpipe|lavapipe|software|cpu/i;

/** Any vendor's GPU through Dawn; software adapters are reported as not accelerated. */
export const webgpu: Engine = {
  name: 'webgpu',
  title: 'any GPU through WebGPU (webgpu and @tensorflow/tfjs-backend-webgpu)',
  async load() {
    const remedy = 'npm install webgpu @tensorflow/tfjs-backend-webgpu, and a Vulkan, Metal or D3D12 driver';
    try {
      const dawn = (await importOptional('webgpu')) as Dawn | undefined;
      if (dawn === undefined) return { ok: false, reason: 'webgpu is not installed', remedy };
      Object.assign(globalThis, dawn.globals);
      const gpu = dawn.create([]);
      if (!('gpu' in navigatorObject())) {
        Object.defineProperty(navigatorObject(), 'gpu', { value: gpu, configurable: true });
      }
      const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
      if (adapter === null) return { ok: false, reason: 'no graphics adapter was found', remedy };
      if ((await importOptional('@tensorflow/tfjs-backend-webgpu')) === undefined) {
        return { ok: false, reason: '@tensorflow/tfjs-backend-webgpu is not installed', remedy };
      }
      if (tf.findBackendFactory('webgpu') === null) {
        return { ok: false, reason: 'loaded, but registered no backend', remedy };
      }
      const { vendor, architecture, description } = adapter.info;
      const name = [description, vendor, architecture].filter(Boolean).join(' ') || 'unnamed adapter';
      return { ok: true, backend: 'webgpu', detail: name, accelerated: !software.test(name) };
    } catch (error) {
      return { ok: false, reason: error instanceof Error ? error.message.split('\n')[0] : String(error), remedy };
    }
  },
};

/** Node 20 has no `navigator`; the WebGPU backend looks for `navigator.gpu`. */
function navigatorObject(): object {
  if (typeof globalThis.navigator === 'undefined') {
    Object.defineProperty(globalThis, 'navigator', { value: {}, configurable: true });
  }
  return globalThis.navigator;
}
