import {
  loadNative,
  NATIVE,
  NativeUnavailableError,
  nativeLinalg,
  registerNativeBackend,
} from '@learngene/backend-native';
import { registerNormal } from '@learngene/random';
import { registerLinalg } from '@learngene/tensor-svd';
import type { Engine } from '../types';

/** Our Rust kernels: the fastest on a processor. Once selected, decompositions and normal numbers are of Rust too. */
export const native: Engine<'native'> = {
  name: 'native',
  title: 'Rust kernels on the processor (@learngene/backend-native)',
  async load() {
    try {
      registerNativeBackend();
      const addon = loadNative();
      const threads = addon.threadCount();
      const detail = `Rust kernels, ${addon.simdLevel()}, ${threads} thread${threads === 1 ? '' : 's'}`;
      return { ok: true, backend: NATIVE, detail, accelerated: false };
    } catch (error) {
      if (!(error instanceof NativeUnavailableError)) throw error;
      return { ok: false, reason: error.message, remedy: error.remedy };
    }
  },
  selected() {
    registerLinalg(nativeLinalg());
    registerNormal(loadNative().normal);
  },
  // A file that was asked for by name must not be passed over.
  demandedBy: () => (process.env.LEARNGENE_NATIVE_PATH ? 'LEARNGENE_NATIVE_PATH' : undefined),
};
