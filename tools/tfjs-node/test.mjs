// `npm run test:tfjs-node`: builds tfjs-node where that is not done, then runs the tests of every package that computes on
// it. Further arguments go to vitest; `--project` there chooses others.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildTfjsNode } from './build.mjs';
import { BuildError } from './plan.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '..', '..');
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const projects = ['nn', 'dit', 'kind', 'diffusion', 'tensor-svd', 'metrics'];

function run(args, env = process.env) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', env });
  if (status !== 0) process.exit(status ?? 1);
}

if (!existsSync(vitest)) run([join(root, 'scripts', 'run.mjs'), 'build']);
try {
  buildTfjsNode();
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  console.error(error.message);
  process.exit(1);
}
const environment = { TF_CPP_MIN_LOG_LEVEL: '1', ...process.env, LEARNGENE_TEST_BACKEND: 'tensorflow' };
const preload = `--require=${JSON.stringify(join(here, 'shim.cjs'))}`;
environment.NODE_OPTIONS = [environment.NODE_OPTIONS, preload].filter(Boolean).join(' ');
const given = process.argv.slice(2);
const selected = given.some((argument) => argument.startsWith('--project'))
  ? []
  : projects.flatMap((name) => ['--project', name]);
run([vitest, 'run', ...selected, ...given], environment);
