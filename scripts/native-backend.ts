// Registers the native backend before every test file of a run with LEARNGENE_TEST_BACKEND=native.
import { registerNativeBackend } from '../packages/backend-native/src/index';

registerNativeBackend();
