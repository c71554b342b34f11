// Registers the training kernels before every test file of a run with LEARNGENE_TEST_BACKEND=wasm, as the engine does.
import { registerWasmTrainingKernels } from '../packages/nn/src/wasm';

registerWasmTrainingKernels();
