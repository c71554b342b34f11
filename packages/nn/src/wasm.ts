export { registerWasmTrainingKernels } from './wasm/register';
export { useWasmThreads, WasmThreadsError, type WasmThreadsOptions, wasmThreads } from './wasm/threads';
