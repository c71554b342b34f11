import { registerGradients } from '@learngene/nn';
import { registerWasmTrainingKernels } from '@learngene/nn/wasm';
import { useTestBackend } from '@learngene/testing';

/** Selects the test backend, with the training kernels of wasm in place. */
export async function useVaeBackend(): Promise<string> {
  registerGradients();
  registerWasmTrainingKernels();
  return useTestBackend();
}
