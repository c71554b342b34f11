export { registerWasmTrainingKernels } from './wasm/register';
