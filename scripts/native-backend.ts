// Registers the native backend and its decompositions before every test file of a run with LEARNGENE_TEST_BACKEND=native.
import { nativeLinalg, registerNativeBackend } from '../packages/backend-native/src/index';
import { registerLinalg } from '../packages/tensor-svd/src/index';

registerNativeBackend();
registerLinalg(nativeLinalg());
