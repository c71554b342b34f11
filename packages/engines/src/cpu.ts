import type { Engine } from './types';

/** Plain JavaScript: always there, and the slowest. */
export const cpu: Engine<'cpu'> = {
  name: 'cpu',
  title: 'plain JavaScript (@tensorflow/tfjs-backend-cpu)',
  async load() {
    await import('@tensorflow/tfjs-backend-cpu');
    return { ok: true, backend: 'cpu', detail: 'plain JavaScript, 1 thread', accelerated: false };
  },
};
