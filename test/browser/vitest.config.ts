import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

// What `npm run test:browser` runs: one case a file, one after the other, for a browser takes all cores. The packages come
// from their dist, as an app gets them. The unit tests of the harness itself (src) run with `npm test`.
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  test: {
    name: 'browser',
    include: ['cases/*.test.ts'],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    onConsoleLog: (text) => !text.includes('you are running TensorFlow.js in Node.js'),
  },
});
