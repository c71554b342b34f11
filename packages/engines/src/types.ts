/** The engines of browsers, the one that is preferred first. */
export const BROWSER_ENGINE_NAMES = ['webgpu', 'webgl', 'wasm', 'cpu'] as const;

/** The engines of Node. */
export const NODE_ENGINE_NAMES = ['tfjs-node-gpu', 'native', 'tfjs-node', 'webgpu', 'wasm', 'cpu'] as const;

/** The name of an engine of browsers. */
export type BrowserEngineName = (typeof BROWSER_ENGINE_NAMES)[number];

/** The name of an engine of Node. */
export type NodeEngineName = (typeof NODE_ENGINE_NAMES)[number];

/** The name of an engine. */
export type EngineName = BrowserEngineName | NodeEngineName;

/** The result of loading an engine. */
export type EngineLoad = LoadedEngine | MissingEngine;

/** An engine that can be used. */
export interface LoadedEngine {
  /** Says that it can be used. */
  ok: true;
  /** The tfjs backend to select. */
  backend: string;
  /** What it is running on, in a few words. */
  detail: string;
  /** Whether it runs on a real accelerator. */
  accelerated: boolean;
}

/** An engine that cannot be used here. */
export interface MissingEngine {
  /** Says that it cannot be used. */
  ok: false;
  /** Why it cannot be used here. */
  reason: string;
  /** What the user can do about it. */
  remedy: string;
}

/** Options of loading an engine. */
export interface LoadOptions {
  /**
   * Where a page finds the `.wasm` files of `@tensorflow/tfjs-backend-wasm`: the URL of a folder, with a slash at its end
   * (default: beside the page's script). Node finds them by itself.
   */
  wasmPaths?: string;
  /**
   * Threads that the engine `wasm` computes on, the caller's included: a whole number from 1 to 256. So many or none: where
   * they cannot be had, the engine is refused. By default as many as can be had: in Node `LEARNGENE_NUM_THREADS`, or one
   * a core, and in a page that is cross-origin isolated one a core, 8 at most; in other pages 1.
   */
  threads?: number;
}

/** A compute engine: its name, and how it is loaded. */
export interface Engine<Name extends EngineName = EngineName> {
  /** Its name. */
  name: Name;
  /** What it is, in one line. */
  title: string;
  /** Whether `auto` takes it only where it runs on a real accelerator (default false). */
  acceleratorOnly?: boolean;
  /** Loads the engine's packages and registers its tfjs backend, without selecting it. Never throws. */
  load(options?: LoadOptions): Promise<EngineLoad>;
  /** Called once its backend is selected, to register what is not a tfjs kernel, such as decompositions. */
  selected?(): void;
  /**
   * The environment variable or other setting that demands this engine, if any. Then `auto` throws where the engine
   * does not load, and takes no other.
   */
  demandedBy?(): string | undefined;
}

/** The engine that was chosen. */
export interface ChosenEngine<Name extends EngineName = EngineName> {
  /** Its name. */
  name: Name;
  /** What it runs on. */
  detail: string;
  /** Why it was chosen. */
  why: string;
}
