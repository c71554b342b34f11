/** Placeholder until the kernels are in. */
export function registerWasmTrainingKernels(): void {}
