import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
// @boundaries-ignore a tool of the repository
import { build } from 'esbuild';
// @boundaries-ignore the build of all packages is configured in one place
import { bundleGradients } from '../../../tsup.gradients';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Bundles the worker from the sources of all packages, for Node cannot run them; returns the program's file. */
export async function bundleWorker(): Promise<string> {
  const folder = join(root, 'node_modules', '.cache', 'learngene');
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, `worker-${process.pid}.mjs`);
  await build({
    entryPoints: [join(root, 'src', 'worker.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['@learngene/source'],
    plugins: [bundleGradients()],
    external: ['sharp'],
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
    },
    logLevel: 'error',
  });
  return outfile;
}
