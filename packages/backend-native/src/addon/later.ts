/** Calls that JavaScript does not wait for. */
export interface LaterAddon {
  /** From now on `laterFunctions` check their arguments and return before they have computed. */
  computeLater(): void;
  /** The names of these functions. */
  laterFunctions(): string[];
  /** The names of the functions of numbers alone. */
  promptFunctions(): string[];
  /** Returns when all is computed; throws the first failure since the last call. */
  finish(): void;
}
