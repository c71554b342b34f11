import type { NativeAddon } from './native';

/** So many calls are begun before the oldest is waited for: their arguments are kept until then. */
const MOST_CALLS = 4096;

/**
 * An addon whose kernels compute while JavaScript goes on: bookkeeping of one op and the computation of the ops before it
 * take place at the same time. Calls of the functions that return early are recorded, with their arrays; all other
 * functions wait for them first. Whoever reads or writes values outside the addon calls {@link Later.finish} before.
 */
export class Later {
  /** The functions, to be called instead of the addon's. */
  readonly addon: NativeAddon;
  readonly #finish: () => void;
  /** On only while one of those functions is called: whoever else has loaded the addon gets results at once. */
  readonly #switch: Uint8Array;
  /** The arguments of calls that may not be done: their arrays must live on. */
  #begun: unknown[][] = [];

  /**
   * @param addon the loaded addon
   */
  constructor(addon: NativeAddon) {
    this.#switch = addon.computeLater();
    this.#finish = addon.finish;
    const [early, prompt] = [new Set(addon.laterFunctions()), new Set(addon.promptFunctions())];
    const functions = Object.entries(addon as unknown as Record<string, (...args: unknown[]) => unknown>);
    const wrapped = functions.map(([name, call]) => {
      if (prompt.has(name)) return [name, call];
      return [name, early.has(name) ? this.#begin(call) : this.#after(call)];
    });
    this.addon = Object.fromEntries(wrapped) as NativeAddon;
  }

  /** Returns when all that was begun is done. */
  finish(): void {
    if (this.#begun.length === 0) return;
    try {
      this.#finish();
    } finally {
      this.#begun = [];
    }
  }

  #begin(call: (...args: unknown[]) => unknown): (...args: unknown[]) => unknown {
    return (...args) => {
      if (this.#begun.length >= MOST_CALLS) this.finish();
      this.#begun.push(args);
      this.#switch[0] = 1;
      try {
        return call(...args);
      } finally {
        this.#switch[0] = 0;
      }
    };
  }

  #after(call: (...args: unknown[]) => unknown): (...args: unknown[]) => unknown {
    return (...args) => {
      this.finish();
      return call(...args);
    };
  }
}
