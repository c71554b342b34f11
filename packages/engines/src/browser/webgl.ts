import * as tf from '@tensorflow/tfjs-core';
import { describeProcessor, isSoftware } from '../gpu-adapter';
import type { Engine, EngineLoad } from '../types';
import { couldNotLoad } from './could-not-load';

/** Any graphics processor through WebGL, where its textures hold 32-bit floats; software renderers are not accelerated. */
export const webgl: Engine<'webgl'> = {
  name: 'webgl',
  title: 'the graphics processor through WebGL (@tensorflow/tfjs-backend-webgl)',
  acceleratorOnly: true,
  async load() {
    const renderer = rendererName();
    if (renderer === undefined) {
      const remedy = 'turn on hardware acceleration in the settings of the browser, or use another engine';
      return { ok: false, reason: 'there is no WebGL here', remedy };
    }
    try {
      await import('@tensorflow/tfjs-backend-webgl');
    } catch (error) {
      return couldNotLoad('@tensorflow/tfjs-backend-webgl', error);
    }
    return checkFloats(renderer);
  },
};

/** Such a processor is refused, because tfjs would compute in 16-bit floats on it without a warning. */
function checkFloats(renderer: string): EngineLoad {
  if (!tf.env().getBool('WEBGL_RENDER_FLOAT32_ENABLED')) {
    return { ok: false, reason: `${renderer} renders no 32-bit floats`, remedy: 'use another engine' };
  }
  return { ok: true, backend: 'webgl', ...describeProcessor(renderer, !isSoftware(renderer)) };
}

/** The name of what renders WebGL here; undefined where there is no WebGL. */
function rendererName(): string | undefined {
  const gl = createContext();
  if (!gl) return undefined;
  const unmasked = gl.getExtension('WEBGL_debug_renderer_info')?.UNMASKED_RENDERER_WEBGL;
  const name = gl.getParameter(unmasked ?? gl.RENDERER);
  gl.getExtension('WEBGL_lose_context')?.loseContext();
  return String(name);
}

function createContext(): WebGLRenderingContext | WebGL2RenderingContext | null {
  const canvas =
    typeof OffscreenCanvas === 'function'
      ? new OffscreenCanvas(1, 1)
      : typeof document === 'object'
        ? document.createElement('canvas')
        : undefined;
  return (canvas?.getContext('webgl2') ?? canvas?.getContext('webgl') ?? null) as WebGLRenderingContext | null;
}
