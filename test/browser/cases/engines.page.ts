// The page of engines.test.ts: chooses engines by the package, and computes on them.
import { BROWSER_ENGINES, type BrowserEngineName, chooseEngine, EngineError } from '@learngene/engines';
import * as tf from '@tensorflow/tfjs-core';

/** What the browser is made to lack. */
export type Lack = 'nothing' | 'WebGPU' | 'WebGL' | '32-bit floats';

/** What a choice came to. */
export interface Choice {
  readonly name?: string;
  readonly detail?: string;
  readonly why?: string;
  /** The selected backend. */
  readonly backend?: string;
  /** A product of matrices on it. */
  readonly product?: readonly number[];
  /** What an `EngineError` says, by its parts. */
  readonly error?: { readonly reason: string; readonly remedy?: string; readonly engine?: string };
}

function takeAway(lack: Lack): void {
  if (lack === 'WebGPU') Object.defineProperty(navigator, 'gpu', { value: undefined });
  if (lack === 'WebGL') OffscreenCanvas.prototype.getContext = () => null;
  if (lack === '32-bit floats') {
    const { getExtension } = WebGL2RenderingContext.prototype;
    WebGL2RenderingContext.prototype.getExtension = function (this: WebGL2RenderingContext, name: string) {
      return name === 'EXT_color_buffer_float' ? null : getExtension.call(this, name as never);
    } as typeof getExtension;
  }
}

async function run(name: BrowserEngineName | 'auto', lack: Lack): Promise<Choice> {
  takeAway(lack);
  try {
    const chosen = await chooseEngine(name, { wasmPaths: '/wasm/' });
    const product = tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([5, 6, 7, 8], [2, 2]));
    return { ...chosen, backend: tf.getBackend(), product: Array.from(await product.data()) };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const { reason, remedy, engine } = error;
    return { error: { reason, remedy, engine } };
  }
}

/** What each engine says when it is loaded, in the order of preference. */
async function load() {
  const loads = [];
  for (const { name, load } of BROWSER_ENGINES) loads.push({ name, ...(await load({ wasmPaths: '/wasm/' })) });
  return loads;
}

Object.assign(globalThis, {
  run: (...args: [BrowserEngineName | 'auto', Lack] | []) => (args.length ? run(...args) : load()),
});
