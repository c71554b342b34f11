// The engines of a browser as the package chooses them: by name, automatically, and where the browser lacks something.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BrowserEngineName, EngineLoad } from '@learngene/engines';
import { afterEach, beforeAll, describe, expect, it as test } from 'vitest';
import { bundlePage, htmlOf } from '../src/bundle-page';
import { runInPage } from '../src/run-in-page';
import { type Server, serve } from '../src/serve';
import type { Choice, Lack } from './engines.page';

const wasm = dirname(fileURLToPath(import.meta.resolve('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm')));
let page: string;
let server: Server;

beforeAll(async () => {
  page = await bundlePage(new URL('engines.page.ts', import.meta.url));
});

afterEach(() => server?.close());

async function inPage<T>(args: readonly unknown[]): Promise<T> {
  server = await serve({ '/': htmlOf('/page.js'), '/page.js': page, '/wasm/': { folder: wasm } });
  return runInPage<T>(`${server.origin}/`, [...args], { seconds: 40 });
}

const choose = (name: BrowserEngineName | 'auto', lack: Lack = 'nothing') => inPage<Choice>([name, lack]);

describe('chooseEngine', () => {
  test.each<[BrowserEngineName, RegExp]>([
    ['cpu', /^plain JavaScript, 1 thread$/],
    ['wasm', /^WebAssembly SIMD, 1 thread( \(the page is not cross-origin isolated\))?$/],
    ['webgl', /./],
    ['webgpu', /./],
  ])('selects %s by its name, and it computes', async (name, detail) => {
    expect(await choose(name)).toEqual({
      name,
      detail: expect.stringMatching(detail),
      why: 'asked for',
      backend: name,
      product: [19, 22, 43, 50],
    });
  });

  test('by itself takes the first on a real graphics processor, else wasm, and says why', async () => {
    const loads = await inPage<({ name: BrowserEngineName } & EngineLoad)[]>([]);
    expect(loads.map(({ name }) => name)).toEqual(['webgpu', 'webgl', 'wasm', 'cpu']);
    const at = loads.findIndex((load) => load.ok && (load.accelerated || load.name === 'wasm'));
    const passed = loads.slice(0, at).map((load) => `${load.name}: ${load.ok ? load.detail : load.reason}`);
    await server.close();
    expect(await choose('auto')).toMatchObject({
      name: loads[at].name,
      why: passed.length === 0 ? 'first choice' : `passed over ${passed.join('; ')}`,
      product: [19, 22, 43, 50],
    });
  });

  test.each<[BrowserEngineName, Lack, RegExp, RegExp]>([
    ['webgpu', 'WebGPU', /^there is no WebGPU here/, /use a browser that has WebGPU/],
    ['webgl', 'WebGL', /^there is no WebGL here/, /hardware acceleration/],
    ['webgl', '32-bit floats', / renders no 32-bit floats$/, /use another engine/],
  ])('says why there is no %s, without %s, and what to do', async (name, lack, reason, remedy) => {
    expect(await choose(name, lack)).toEqual({
      error: { engine: name, reason: expect.stringMatching(reason), remedy: expect.stringMatching(remedy) },
    });
  });

  test('refuses the name of an engine of Node', async () => {
    expect(await choose('native' as BrowserEngineName)).toMatchObject({
      error: { reason: 'expected auto or one of webgpu, webgl, wasm, cpu, got native' },
    });
  });
});
