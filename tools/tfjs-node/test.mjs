// `npm run test:tfjs-node`: builds tfjs-node where that is not done, then runs the tests of every package that computes on
// it, and those of the build. `-- --gpu` takes tfjs-node-gpu in its place. Further arguments go to vitest; `--project` there
// chooses others.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildTfjsNode } from './build.mjs';
import { BuildError } from './plan.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '..', '..');
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const projects = ['nn', 'dit', 'vae', 'kind', 'diffusion', 'tensor-svd', 'metrics', 'tfjs-node'];
const gpu = process.argv.includes('--gpu');

function run(args, env = process.env) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', env });
  if (status !== 0) process.exit(status ?? 1);
}

if (!existsSync(vitest)) run([join(root, 'scripts', 'run.mjs'), 'build']);
try {
  buildTfjsNode({ gpu });
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  console.error(error.message);
  process.exit(1);
}
const environment = {
  TF_CPP_MIN_LOG_LEVEL: '1',
  NVIDIA_TF32_OVERRIDE: '0', // the tests compare f32 products, which TensorFlow rounds to TF32 on a GPU
  TF_FORCE_GPU_ALLOW_GROWTH: 'true', // vitest's processes share the GPU
  ...process.env,
  LEARNGENE_TEST_BACKEND: 'tensorflow',
  LEARNGENE_TEST_TFJS_NODE: gpu ? 'tfjs-node-gpu' : 'tfjs-node',
};
const preload = `--require=${JSON.stringify(join(here, 'shim.cjs'))}`;
environment.NODE_OPTIONS = [environment.NODE_OPTIONS, preload].filter(Boolean).join(' ');
const given = process.argv.slice(2).filter((argument) => argument !== '--gpu');
const selected = given.some((argument) => argument.startsWith('--project'))
  ? []
  : projects.flatMap((name) => ['--project', name]);
run([vitest, 'run', ...selected, ...given], environment);
