/** The engines that `--engine` names. */
export const engineNames = ['tfjs-node-gpu', 'native', 'tfjs-node', 'webgpu', 'wasm', 'cpu'] as const;

/** The name of an engine. */
export type EngineName = (typeof engineNames)[number];

/** What came of the attempt to load an engine. */
export type EngineLoad =
  | {
      ok: true;
      /** The tfjs backend to select. */
      backend: string;
      /** What it is running on, in a few words. */
      detail: string;
      /** Whether it runs on a real accelerator. */
      accelerated: boolean;
    }
  | {
      ok: false;
      /** Why it cannot be used here. */
      reason: string;
      /** What the user can do about it. */
      remedy: string;
    };

/** A compute engine: how it is loaded and what to call it. */
export interface Engine {
  /** The name that `--engine` takes. */
  name: EngineName;
  /** One line for `doctor`. */
  title: string;
  /** Loads the engine's packages and registers its tfjs backend, without selecting it. Never throws. */
  load(): Promise<EngineLoad>;
  /** Called once its backend is selected: hands over what is not a tfjs kernel. */
  selected?(): void;
}
