/** Calls that JavaScript does not wait for. */
export interface LaterAddon {
  /** The switch of this thread, one byte: while it is not 0, `laterFunctions` return before they have computed. */
  computeLater(): Uint8Array;
  /** The names of these functions. */
  laterFunctions(): string[];
  /** The names of the functions of numbers alone. */
  promptFunctions(): string[];
  /** Returns when all that this thread began is computed; throws the first failure since the last call, and its name. */
  finish(): void;
}
