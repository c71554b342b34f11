/** What the addon runs on. */
export interface SystemAddon {
  /** The version of the calls between TypeScript and Rust. */
  abiVersion(): number;
  /** The instruction set in use: `scalar`, `neon`, `avx2` or `avx512`. */
  simdLevel(): string;
  /** Whether products of bfloat16 are an instruction here. */
  hasBf16(): boolean;
  /** The threads that work on a kernel, the caller's included. */
  threadCount(): number;
  /** Zeros, aligned to 64 bytes. */
  allocate(length: number): Float32Array;
}
