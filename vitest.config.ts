import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('.', import.meta.url));
const conditions = ['@learngene/source', 'import', 'module', 'default', 'node'];

/** Node cannot load tfjs-core's gradient modules unbundled; the packages bundle them, and so do the tests. */
function bundleGradients(): string {
  const outfile = `${root}node_modules/.cache/learngene/gradients.mjs`;
  mkdirSync(`${root}node_modules/.cache/learngene`, { recursive: true });
  if (!existsSync(outfile)) {
    buildSync({
      stdin: {
        contents: "import '@tensorflow/tfjs-core/dist/register_all_gradients.js'",
        resolveDir: `${root}packages/nn`,
      },
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile,
      logLevel: 'error',
    });
  }
  return outfile;
}

/** Whether the Rust addon is there; without it the tests that need it are left out, and say so. */
function nativeIsBuilt(): boolean {
  const folder = `${root}packages/backend-native/native`;
  const built = existsSync(folder) && readdirSync(folder).some((name) => name.endsWith('.node'));
  if (!built) console.warn('The native engine is not built: the tests of its kernels are left out.');
  return built;
}

const everywhere = ['src/**/*.test.ts', 'test/**/*.test.ts'];
const withoutAddon = ['src/buffer-pool.test.ts', 'test/prebuilt.test.ts'];
const nativeBuilt = nativeIsBuilt();
const gradients = bundleGradients();
const grouped = ['packages', 'apps', 'tools'].flatMap((group) =>
  existsSync(`${root}${group}`) ? readdirSync(`${root}${group}`).map((name) => `${group}/${name}`) : [],
);
const setupFiles = [
  `${root}scripts/property-seed.ts`,
  `${root}scripts/op-inputs.ts`,
  ...(process.env.LEARNGENE_TEST_BACKEND === 'native' ? [`${root}scripts/native-backend.ts`] : []),
];
const folders = [...grouped, 'benchmarks', 'test/browser'];

export default defineConfig({
  test: {
    // tfjs advises every Node process to install its native package.
    onConsoleLog: (text) => !text.includes('you are running TensorFlow.js in Node.js'),
    projects: folders.map((folder) => ({
      root: `${root}${folder}`,
      resolve: {
        conditions,
        alias: { '@tensorflow/tfjs-core/dist/register_all_gradients.js': gradients },
      },
      ssr: { resolve: { conditions, externalConditions: ['@learngene/source', 'node'] } },
      test: {
        name: folder.slice(folder.indexOf('/') + 1),
        include: folder === 'packages/backend-native' && !nativeBuilt ? withoutAddon : everywhere,
        setupFiles,
        testTimeout: 60_000,
        hookTimeout: 60_000,
      },
    })),
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**/*.ts'],
      exclude: ['**/*.test.ts', 'packages/testing/**', '**/index.ts'],
      reporter: ['text-summary', 'json-summary', 'html'],
      thresholds: { lines: 90 },
    },
  },
});
