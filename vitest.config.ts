import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { defineConfig } from 'vitest/config';
import { bundleGradients } from './tsup.gradients.ts';

const root = fileURLToPath(new URL('.', import.meta.url)).replaceAll('\\', '/');
const conditions = ['@learngene/source', 'import', 'module', 'default', 'node'];

/** Node cannot load tfjs-core's gradient modules unbundled; the packages bundle them, and so do the tests. */
async function bundledGradients(): Promise<{ find: RegExp; replacement: string }[]> {
  const cache = `${root}node_modules/.cache/learngene`;
  const { outputFiles } = await build({
    entryPoints: {
      'tfjs-gradients': `${root}packages/nn/src/tfjs-gradients.ts`,
      'register-all-gradients': fileURLToPath(
        import.meta.resolve('@tensorflow/tfjs-core/dist/register_all_gradients.js'),
      ),
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outdir: cache,
    outExtension: { '.js': '.mjs' },
    plugins: [bundleGradients()],
    write: false,
  });
  mkdirSync(cache, { recursive: true });
  for (const { path, contents } of outputFiles) {
    writeFileSync(`${path}.${process.pid}`, contents); // another run may be reading the file
    renameSync(`${path}.${process.pid}`, path);
  }
  return [
    { find: /^\.\/tfjs-gradients$/, replacement: `${cache}/tfjs-gradients.mjs` },
    {
      find: /^@tensorflow\/tfjs-core\/dist\/register_all_gradients\.js$/,
      replacement: `${cache}/register-all-gradients.mjs`,
    },
  ];
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
const alias = await bundledGradients();
const grouped = ['packages', 'apps', 'tools'].flatMap((group) =>
  existsSync(`${root}${group}`) ? readdirSync(`${root}${group}`).map((name) => `${group}/${name}`) : [],
);
const setupFiles = [
  `${root}scripts/property-seed.ts`,
  `${root}scripts/op-inputs.ts`,
  `${root}scripts/child-lines/in-children.ts`,
  ...(process.env.LEARNGENE_TEST_BACKEND === 'webgpu' ? [`${root}scripts/webgpu-left-out.ts`] : []),
  ...(process.env.LEARNGENE_TEST_BACKEND === 'native' ? [`${root}scripts/native-backend.ts`] : []),
  ...(process.env.LEARNGENE_TEST_BACKEND === 'wasm' ? [`${root}scripts/wasm-backend.ts`] : []),
];
const folders = [...grouped, 'benchmarks', 'examples', 'scripts', 'test/browser'];

export default defineConfig({
  test: {
    // Vitest leaves one core free, which is half of a machine of two.
    maxWorkers: availableParallelism(),
    // tfjs advises every Node process to install its native package.
    onConsoleLog: (text) => !text.includes('you are running TensorFlow.js in Node.js'),
    projects: folders.map((folder) => ({
      root: `${root}${folder}`,
      resolve: { conditions, alias },
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
      include: ['packages/*/src/**/*.ts', 'apps/*/src/**/*.ts'],
      // The list of gradients runs as a bundle, see bundledGradients.
      exclude: ['**/*.test.ts', 'packages/testing/**', '**/index.ts', 'packages/nn/src/tfjs-gradients.ts'],
      // scripts/coverage-reporter.mjs adds the processes that tests start, and holds the least shares.
      reporter: ['json-summary', 'html'],
      reportOnFailure: true,
    },
  },
});
