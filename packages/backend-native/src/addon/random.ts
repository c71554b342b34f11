/** Random numbers. */
export interface RandomAddon {
  /**
   * Fills `values`, 16 or more, with normal numbers from the 624 words of MT19937, which it moves on. Returns how many words
   * are used up then.
   */
  normal(table: Uint32Array, position: number, values: Float32Array, mean: number, std: number): number;
}
